"""The detectron2 implementation's neck, heads and training settings with the backbone of the paper.

The pretrained weights of ResNeXt-101 fit this backbone whole.
"""

_base_ = './faster-rcnn_x101-32x8d-cascaded_efpn-pointwise_100k-iters_coco.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='ExtendedResNeXt',
        depth=101,
        num_stages=4,
        out_indices=(0, 1, 2, 3),
        groups=32,
        base_width=8,
        frozen_stages=0,  # detectron2's FREEZE_AT=1 freezes the stem alone
        norm_cfg=dict(type='BN', requires_grad=False),
        norm_eval=True,
        style='pytorch',
        init_cfg=dict(type='Pretrained', checkpoint='open-mmlab://detectron2/resnext101_32x8d'),
    ),
    neck=dict(in_channels=[256, 256, 512, 1024, 2048]),
)
