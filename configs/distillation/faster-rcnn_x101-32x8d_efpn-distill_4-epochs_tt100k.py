"""The extension alone learns from the pyramid of the full image; start it from a trained FPN."""

_base_ = '../tt100k/faster-rcnn_x101-32x8d_efpn_1x_tt100k.py'

model = dict(_delete_=True, type='CrossResolutionDistiller', detector=_base_.model)

# 4 epochs and the drop after 3 are choices of this project: no schedule was published.
train_cfg = dict(max_epochs=4)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=500),
    dict(type='MultiStepLR', begin=0, end=4, by_epoch=True, milestones=[3], gamma=0.1),
]
