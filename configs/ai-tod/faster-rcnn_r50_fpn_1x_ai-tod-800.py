"""AI-TOD: objects of 13 pixels on average, seen from the air."""

_base_ = [
    '../_base_/models/faster-rcnn_r50_fpn.py',
    '../_base_/datasets/ai-tod_800.py',
    '../_base_/schedules/sgd_12-epochs.py',
]

model = dict(
    rpn_head=dict(anchor_generator=dict(scales=[2])),  # from 8 pixels
    roi_head=dict(bbox_head=dict(num_classes=8)),
    train_cfg=dict(rpn_proposal=dict(nms_pre=3000, max_per_img=3000)),
    test_cfg=dict(rpn=dict(nms_pre=3000, max_per_img=3000), rcnn=dict(max_per_img=1500)),
)
