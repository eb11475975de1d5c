"""HIT-UAV: persons and vehicles in infrared drone frames at their own size."""

_base_ = [
    '../_base_/models/faster-rcnn_r50_fpn.py',
    '../_base_/datasets/hit_uav_640.py',
    '../_base_/schedules/sgd_12-epochs.py',
]

model = dict(
    rpn_head=dict(anchor_generator=dict(scales=[2])),  # from 8 pixels
    roi_head=dict(bbox_head=dict(num_classes=4)),
    test_cfg=dict(rpn=dict(nms_pre=2000, max_per_img=2000), rcnn=dict(max_per_img=1500)),
)
