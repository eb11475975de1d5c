"""Faster R-CNN with FPN on infrared drone frames, from EfficientNet-Lite0's ImageNet weights.

How to make the file of weights: README.md beside this file.
"""

_base_ = [
    '../_base_/models/faster-rcnn_lite0_fpn-128.py',
    '../_base_/datasets/hit_uav_320.py',
    '../_base_/schedules/adamw_1500-iters.py',
    '../_base_/iter_based_runtime.py',
]

model = dict(
    # from 8 pixels: the median person has 7.5 at this size
    rpn_head=dict(anchor_generator=dict(scales=[2])),
    roi_head=dict(bbox_head=dict(num_classes=4)),
)

train_cfg = dict(max_iters=1000, val_interval=500)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=100),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=100, end=1000, eta_min_ratio=0.05),
]
