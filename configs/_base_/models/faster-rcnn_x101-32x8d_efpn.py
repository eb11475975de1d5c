"""Faster R-CNN with ResNeXt-101 32x8d and EFPN, with the released model's FTT width of 512."""

_base_ = './faster-rcnn_r50_efpn.py'

model = dict(
    # These weights come from Caffe2: BGR images, and statistics in that order.
    data_preprocessor=dict(
        mean=[103.530, 116.280, 123.675], std=[57.375, 57.120, 58.395], bgr_to_rgb=False
    ),
    backbone=dict(
        type='ExtendedResNeXt',
        depth=101,
        groups=32,
        base_width=8,
        norm_cfg=dict(type='BN', requires_grad=False),
        init_cfg=dict(type='Pretrained', checkpoint='open-mmlab://detectron2/resnext101_32x8d'),
    ),
    neck=dict(ftt=dict(hidden_channels=512)),
)
