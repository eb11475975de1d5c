"""The light extension: the stem for C2', LightFTT, a P3' that begins small, and a separable conv.

The sum of C2' and P3' has half the width of a pyramid of 256 channels; the second form is for a pyramid
of 128. The first of the neck's in_channels must be the stem's width, 64 in every ResNet and ResNeXt: the
third form says so for those of 50 and more layers. The fourth form is for one-stage detectors with R-18:
five levels, P2' to P5 in the place of P3 to P7. The fifth form makes a plain Faster R-CNN with R-50 the
light one. One box head serves all its levels: nearly all objects of small-object data sets are of P2'.
The sixth is the same for R-18 and a pyramid of 128.
"""

efpn_light = dict(
    backbone=dict(c2_prime='stem'),
    neck=dict(
        ftt=dict(_delete_=True, type='LightFTT'),
        extension_cfg=dict(channels=128, separable=True, p3_prime_scale=0.1, widen_on_rois=True),
    ),
)
efpn_light_128 = dict(
    backbone=efpn_light['backbone'],
    neck=dict(
        ftt=efpn_light['neck']['ftt'],
        extension_cfg=dict(efpn_light['neck']['extension_cfg'], channels=64),
    ),
)
efpn_light_bottleneck = dict(
    backbone=efpn_light['backbone'],
    neck=dict(in_channels=[64, 256, 512, 1024, 2048], **efpn_light['neck']),
)
efpn_light_one_stage = dict(
    backbone=dict(type='ExtendedResNet', c2_prime='stem'),
    neck=dict(
        type='EFPN',
        in_channels=[64, 64, 128, 256, 512],
        start_level=0,
        add_extra_convs=False,  # P5 is the last
        ftt=dict(type='LightFTT'),
        extension_cfg=dict(separable=True),
    ),
)
efpn_light_of_fpn = dict(
    backbone=dict(type='ExtendedResNet', c2_prime='stem'),
    neck=dict(
        type='EFPN',
        in_channels=[64, 256, 512, 1024, 2048],
        num_outs=6,
        ftt=dict(type='LightFTT'),
        extension_cfg=efpn_light['neck']['extension_cfg'],
    ),
    rpn_head=dict(type='ExtendedRPNHead'),
    roi_head=dict(
        type='ExtendedRoIHead',
        extended_bbox_head=False,
        bbox_roi_extractor=dict(featmap_strides=[2, 4, 8, 16, 32], finest_scale=28),
    ),
)
efpn_light_of_fpn_128 = dict(
    efpn_light_of_fpn,
    neck=dict(
        efpn_light_of_fpn['neck'],
        in_channels=[64, 64, 128, 256, 512],
        extension_cfg=efpn_light_128['neck']['extension_cfg'],
    ),
)
