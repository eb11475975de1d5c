"""The detectron2 implementation of EFPN whole: its cascaded backbone, its FTT, its training settings.

The stages begin at stride 2 and there is no max-pool. The weights of a plain ResNeXt-101 fit the stem
and the stages of equal shape; two stages and most of a third begin random. So norms train here, and the
stem alone is frozen, as with detectron2's FREEZE_AT=1.
"""

_base_ = './faster-rcnn_x101-32x8d_efpn-pointwise_100k-iters_coco.py'

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
    neck=dict(in_channels=[256, 512, 1024, 2048, 4096]),
)
