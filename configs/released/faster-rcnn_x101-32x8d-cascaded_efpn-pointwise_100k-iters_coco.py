"""The detectron2 implementation of EFPN whole: backbone, FTT, P2', heads and training settings.

The stages begin at stride 2 and there is no max-pool. The FTT reads P2 and P3; P2' is the biased lateral
plus the upsampled P3'. The RPN runs on P2' too, and one box head serves all levels.

Strides are the maps' true ones, 2 to 32; that implementation books 4 to 64, by which anchors and RoIs
lie at twice their place. Anchors are as large as there, 32 to 512 pixels.

The weights of a plain ResNeXt-101 fit the stem and the stages of equal shape; two stages and most of a
third begin random. So norms train here; there they are frozen. The stem alone is frozen, as with
detectron2's FREEZE_AT=1.
"""

_base_ = [
    '../_base_/models/faster-rcnn_x101-32x8d_efpn.py',
    'mmdet::_base_/datasets/coco_detection.py',
    '../_base_/iter_based_runtime.py',
]

model = dict(
    backbone=dict(
        _delete_=True,
        type='CascadedResNeXt',
        depth=101,
        groups=32,
        base_width=8,
        frozen_stages=0,
        norm_cfg=dict(type='BN', requires_grad=True),
        norm_eval=False,
        style='pytorch',
        init_cfg=dict(type='Pretrained', checkpoint='open-mmlab://detectron2/resnext101_32x8d'),
    ),
    neck=dict(
        in_channels=[256, 512, 1024, 2048, 4096],
        num_outs=5,  # P2', P2, ..., P5
        ftt=dict(_delete_=True, type='PointwiseFTT'),
        ftt_source='on_output',
        extension_cfg=dict(output_conv=False, lateral_bias=True),
    ),
    rpn_head=dict(on_p2_prime=True, anchor_generator=dict(scales=[16], strides=[2, 4, 8, 16, 32])),
    roi_head=dict(
        extended_bbox_head=False,
        bbox_roi_extractor=dict(featmap_strides=[2, 4, 8, 16]),
    ),
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
