"""The second box head alone learns, on RoIs of P2' only; start it from a distilled detector."""

_base_ = '../deeppcb/faster-rcnn_r18_efpn-two-heads_1500-iters_deeppcb-320.py'

model = dict(
    _delete_=True,
    type='PartlyTrainedDetector',
    detector=_base_.model,
    trainable=['roi_head.extended_bbox_head'],
)
model['detector']['roi_head']['extended_rois_only'] = True
# Online hard example mining: model['detector']['train_cfg']['rcnn']['sampler']['type'] = 'OHEMSampler'

max_iters = 200
train_cfg = dict(max_iters=max_iters)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=20),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=20, end=max_iters, eta_min_ratio=0.05),
]
