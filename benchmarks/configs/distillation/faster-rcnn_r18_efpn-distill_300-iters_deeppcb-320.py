"""The extension alone learns from the pyramid of the full image; start it from a trained FPN."""

_base_ = [
    '../deeppcb/faster-rcnn_r18_efpn-two-heads_1500-iters_deeppcb-320.py',
    '../../../configs/_base_/distillation.py',
]

model = dict(_delete_=True, detector=_base_.model, **_base_.distiller)

train_cfg = dict(max_iters=_base_.distill_iters)
param_scheduler = _base_.distill_schedule
