"""Faster R-CNN with FPN on circuit boards, from EfficientNet-Lite0's ImageNet weights.

How to make the file of weights: README.md beside this file.
"""

_base_ = [
    '../_base_/models/faster-rcnn_lite0_fpn-128.py',
    '../_base_/datasets/deeppcb_320.py',
    '../_base_/schedules/adamw_1500-iters.py',
    '../_base_/iter_based_runtime.py',
]

model = dict(
    # from 16 pixels: the median defect has 17 at this size
    rpn_head=dict(anchor_generator=dict(scales=[4])),
    roi_head=dict(bbox_head=dict(num_classes=6)),
)
