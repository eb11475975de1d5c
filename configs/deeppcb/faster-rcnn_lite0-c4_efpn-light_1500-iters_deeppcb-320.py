"""The plain detector beside this file, with the light stride-2 level P2'; C2' is the first block's."""

_base_ = ['./faster-rcnn_lite0-c4_fpn_1500-iters_deeppcb-320.py', '../_base_/efpn_light.py']

light = _base_.efpn_light_of_fpn_128
model = dict(
    backbone=dict(_delete_=True, type='HighResolutionTap', backbone=_base_.model.backbone),
    neck=dict(light['neck'], in_channels=[16, 24, 40, 112], num_outs=5),
    rpn_head=light['rpn_head'],
    roi_head=dict(
        light['roi_head'],
        bbox_roi_extractor=dict(featmap_strides=[2, 4, 8, 16], finest_scale=28),
    ),
)
del light
