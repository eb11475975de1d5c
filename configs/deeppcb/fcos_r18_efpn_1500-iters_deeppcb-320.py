"""FCOS with EFPN: the ranges of its plain twin, each on a level two octaves finer.

Five levels again, P2' to P5 in the place of P3 to P7: distances up to 32 pixels, those of nearly all
defects, are regressed at stride 2 instead of 8.
"""

_base_ = './fcos_r18_fpn_1500-iters_deeppcb-320.py'

model = dict(
    backbone=dict(type='ExtendedResNet', c2_prime='stem'),
    neck=dict(
        type='EFPN',
        in_channels=[64, 64, 128, 256, 512],
        start_level=0,
        add_extra_convs=False,  # P5 is the last
        ftt=dict(type='LightFTT'),
        extension_cfg=dict(separable=True),
    ),
    bbox_head=dict(strides=[2, 4, 8, 16, 32]),
)
