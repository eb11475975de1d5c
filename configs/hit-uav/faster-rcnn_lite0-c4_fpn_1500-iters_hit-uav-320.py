"""Faster R-CNN with FPN on drone frames, small enough to ship: EfficientNet-Lite0 up to stride 16.

How to make the file of weights: README.md beside this file.
"""

_base_ = [
    '../_base_/models/faster-rcnn_lite0-c4_fpn-128.py',
    '../_base_/datasets/hit_uav_320.py',
    '../_base_/schedules/adamw_1500-iters.py',
    '../_base_/iter_based_runtime.py',
]

model = dict(
    rpn_head=dict(anchor_generator=dict(scales=[2])),
    roi_head=dict(bbox_head=dict(num_classes=4)),
)
