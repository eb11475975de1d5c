"""EFPN with the paper's second box head, for RoIs under 56 pixels; the distillation stages train it."""

_base_ = './faster-rcnn_r18_efpn-h128_1500-iters_deeppcb-320.py'

model = dict(roi_head=dict(extended_bbox_head=True))
