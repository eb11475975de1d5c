"""The second box head alone learns, on RoIs of P2' only; start it from a distilled detector."""

_base_ = [
    '../deeppcb/faster-rcnn_r50_efpn-two-heads_1500-iters_deeppcb-320.py',
    '../../../configs/_base_/distillation.py',
]

model = dict(_delete_=True, detector=_base_.model, **_base_.box_head_trainer)
model['detector']['roi_head']['extended_rois_only'] = True

train_cfg = dict(max_iters=_base_.head_iters)
param_scheduler = _base_.head_schedule
