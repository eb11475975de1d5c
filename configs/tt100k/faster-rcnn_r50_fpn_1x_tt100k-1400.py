"""TT100K: traffic signs, short side 1400."""

_base_ = [
    '../_base_/models/faster-rcnn_r50_fpn.py',
    '../_base_/datasets/tt100k_1400.py',
    '../_base_/schedules/sgd_12-epochs.py',
]

model = dict(
    rpn_head=dict(anchor_generator=dict(scales=[4])),  # from 16 pixels
    roi_head=dict(bbox_head=dict(num_classes=45)),
)
val_evaluator = dict(preset='tt100k')
test_evaluator = val_evaluator
