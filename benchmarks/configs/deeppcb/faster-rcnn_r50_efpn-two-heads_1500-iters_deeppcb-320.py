"""EFPN with the paper's second box head, for RoIs under 56 pixels; the distillation stages train it."""

_base_ = '../../../configs/deeppcb/faster-rcnn_r50_efpn_1500-iters_deeppcb-320.py'

model = dict(roi_head=dict(extended_bbox_head=True))
