"""The plain detector beside this file with the light level P2'; C2' comes of Lite0's first block."""

_base_ = ['./faster-rcnn_lite0_fpn_1500-iters_deeppcb-320.py', '../_base_/efpn_light.py']

model = dict(
    **dict(
        _base_.efpn_light_of_fpn_128,
        backbone=dict(_delete_=True, type='HighResolutionTap', backbone=_base_.model.backbone),
        neck=dict(_base_.efpn_light_of_fpn_128['neck'], in_channels=[16, 24, 40, 112, 320]),
    )
)
