"""The small detector of the model zoo: EfficientNet-Lite0 up to stride 16, and thin box layers.

Small objects need no stride 32 of the backbone: P5 is P4's maximum. In half precision the detector's
weights are under 8 MB.
"""

_base_ = './faster-rcnn_lite0_fpn-128.py'

model = dict(
    backbone=dict(out_indices=(1, 2, 3)),
    neck=dict(in_channels=[24, 40, 112], num_outs=4),
    rpn_head=dict(anchor_generator=dict(strides=[4, 8, 16, 32])),
    roi_head=dict(
        bbox_roi_extractor=dict(featmap_strides=[4, 8, 16]), bbox_head=dict(fc_out_channels=256)
    ),
)
