"""The second box head alone learns, on RoIs of P2' only; start it from a distilled detector."""

_base_ = '../efpn/faster-rcnn_x101-32x8d_efpn_1x_coco.py'

model = dict(
    _delete_=True,
    type='PartlyTrainedDetector',
    detector=_base_.model,
    trainable=['roi_head.extended_bbox_head'],
)
model['detector']['roi_head']['extended_rois_only'] = True
# Online hard example mining: model['detector']['train_cfg']['rcnn']['sampler']['type'] = 'OHEMSampler'

# 2 epochs and the drop after 1 are choices of this project: no schedule was published.
train_cfg = dict(max_epochs=2)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=500),
    dict(type='MultiStepLR', begin=0, end=2, by_epoch=True, milestones=[1], gamma=0.1),
]
