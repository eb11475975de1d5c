"""The detectron2 implementation's other start: PointRend R-50 on COCO, with its neck and settings.

The backbone is ResNet-50 with C2', whose weights that start has. Strides are the maps' true ones; see
faster-rcnn_x101-32x8d-cascaded_efpn-pointwise_100k-iters_coco.py.
"""

_base_ = ['mmdet::point_rend/point-rend_r50-caffe_fpn_ms-1x_coco.py']
custom_imports = dict(imports=['mmdet_efpn'], allow_failed_imports=False)

model = dict(
    backbone=dict(type='ExtendedResNet', frozen_stages=0),  # detectron2's FREEZE_AT=1: the stem alone
    neck=dict(
        type='EFPN',
        in_channels=[256, 256, 512, 1024, 2048],
        num_outs=5,
        ftt=dict(type='PointwiseFTT'),
        ftt_source='on_output',
        extension_cfg=dict(output_conv=False, lateral_bias=True),
    ),
    rpn_head=dict(
        type='ExtendedRPNHead',
        on_p2_prime=True,
        anchor_generator=dict(scales=[16], strides=[2, 4, 8, 16, 32]),
    ),
    roi_head=dict(
        bbox_roi_extractor=dict(featmap_strides=[2, 4, 8, 16], finest_scale=28),
        mask_roi_extractor=dict(featmap_strides=[2]),
    ),  # masks and points from the finest level
    train_cfg=dict(rpn=dict(sampler=dict(num=128)), rcnn=dict(sampler=dict(num=256))),
)

train_dataloader = dict(batch_size=4, sampler=dict(type='InfiniteSampler'))
train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=100000, val_interval=5000)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=1000),
    dict(type='MultiStepLR', by_epoch=False, begin=0, end=100000, milestones=[20000], gamma=0.1),
]
optim_wrapper = dict(optimizer=dict(lr=1e-4))
default_hooks = dict(logger=dict(interval=50), checkpoint=dict(by_epoch=False, interval=5000))
log_processor = dict(by_epoch=False)
auto_scale_lr = dict(enable=False, base_batch_size=4)
