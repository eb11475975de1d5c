"""The detectron2 implementation of EFPN with ResNeXt-50; norms and weights as with ResNeXt-101."""

_base_ = './faster-rcnn_x101-32x8d-cascaded_efpn-pointwise_100k-iters_coco.py'

model = dict(
    data_preprocessor=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True),
    backbone=dict(
        depth=50,
        base_width=4,
        init_cfg=dict(type='Pretrained', checkpoint='open-mmlab://resnext50_32x4d'),
    ),
)
