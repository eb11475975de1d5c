"""The plain detector beside this file, with the light stride-2 level P2'."""

_base_ = ['./faster-rcnn_r18_fpn_1000-iters_hit-uav-320.py', '../_base_/efpn_light.py']

model = dict(
    backbone=dict(type='ExtendedResNet', c2_prime='stem'),
    neck=dict(
        type='EFPN',
        in_channels=[64, 64, 128, 256, 512],
        num_outs=6,
        ftt=dict(type='LightFTT'),
        extension_cfg=_base_.efpn_light_128.neck.extension_cfg,
    ),
    rpn_head=dict(type='ExtendedRPNHead'),
    roi_head=dict(
        type='ExtendedRoIHead',
        extended_bbox_head=False,  # nearly every object is under 56 pixels: one head serves them
        bbox_roi_extractor=dict(featmap_strides=[2, 4, 8, 16, 32], finest_scale=28),
    ),
)
