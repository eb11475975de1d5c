"""RetinaNet on DeepPCB, light enough for a CPU: two convs in each branch of the head.

Anchors begin at 16 pixels on the finest level: half of RetinaNet's 32, for boards at half their size.
"""

_base_ = [
    'mmdet::_base_/models/retinanet_r50_fpn.py',
    '../_base_/datasets/deeppcb_320.py',
    '../_base_/schedules/adamw_1500-iters.py',
    '../_base_/iter_based_runtime.py',
]
custom_imports = dict(imports=['mmdet_efpn'], allow_failed_imports=False)

model = dict(
    backbone=dict(depth=18, frozen_stages=-1, norm_eval=False, init_cfg=None),
    neck=dict(in_channels=[64, 128, 256, 512], out_channels=128),
    bbox_head=dict(
        num_classes=6,
        in_channels=128,
        stacked_convs=2,
        feat_channels=128,
        anchor_generator=dict(octave_base_scale=2),
    ),
)
