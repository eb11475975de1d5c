"""The training settings of the detectron2 implementation of EFPN."""

_base_ = [
    '../_base_/models/faster-rcnn_x101-32x8d_efpn.py',
    'mmdet::_base_/datasets/coco_detection.py',
    '../_base_/iter_based_runtime.py',
]

model = dict(
    backbone=dict(frozen_stages=0),  # detectron2's FREEZE_AT=1 freezes the stem alone
    neck=dict(ftt=dict(_delete_=True, type='PointwiseFTT')),
    train_cfg=dict(rpn=dict(sampler=dict(num=128)), rcnn=dict(sampler=dict(num=256))),
)

train_dataloader = dict(batch_size=4, sampler=dict(type='InfiniteSampler'))
train_cfg = dict(type='IterBasedTrainLoop', max_iters=100000, val_interval=5000)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=1000),
    dict(type='MultiStepLR', by_epoch=False, begin=0, end=100000, milestones=[20000], gamma=0.1),
]
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='SGD', lr=1e-4, momentum=0.9, weight_decay=1e-4)
)
default_hooks = dict(checkpoint=dict(interval=5000))
auto_scale_lr = dict(enable=False, base_batch_size=4)
