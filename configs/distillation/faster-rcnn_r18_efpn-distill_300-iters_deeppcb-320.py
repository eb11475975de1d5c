"""The extension alone learns from the pyramid of the full image; start it from a trained FPN."""

_base_ = '../deeppcb/faster-rcnn_r18_efpn-two-heads_1500-iters_deeppcb-320.py'

model = dict(_delete_=True, type='CrossResolutionDistiller', detector=_base_.model)

max_iters = 300
train_cfg = dict(max_iters=max_iters)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=30),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=30, end=max_iters, eta_min_ratio=0.05),
]
