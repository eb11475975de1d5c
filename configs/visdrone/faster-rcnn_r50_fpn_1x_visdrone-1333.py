"""VisDrone-DET: people and vehicles from drones, short side 800."""

_base_ = [
    '../_base_/models/faster-rcnn_r50_fpn.py',
    '../_base_/datasets/visdrone_1333.py',
    '../_base_/schedules/sgd_12-epochs.py',
]

model = dict(
    rpn_head=dict(anchor_generator=dict(scales=[4])),  # from 16 pixels
    roi_head=dict(bbox_head=dict(num_classes=10)),
    test_cfg=dict(rcnn=dict(max_per_img=500)),
)
