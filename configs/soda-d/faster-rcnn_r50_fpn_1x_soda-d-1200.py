"""SODA-D: small objects in driving scenes, in tiles."""

_base_ = [
    '../_base_/models/faster-rcnn_r50_fpn.py',
    '../_base_/datasets/soda-d_1200.py',
    '../_base_/schedules/sgd_12-epochs.py',
]

model = dict(
    rpn_head=dict(anchor_generator=dict(scales=[2])),  # from 8 pixels
    roi_head=dict(bbox_head=dict(num_classes=9)),
)
