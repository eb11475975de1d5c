"""Detection and distillation losses in one run, everything trained from the start."""

_base_ = [
    '../deeppcb/faster-rcnn_r18_efpn-two-heads_1500-iters_deeppcb-320.py',
    '../../../configs/_base_/distillation.py',
]

model = dict(_delete_=True, detector=_base_.model, **_base_.joint_distiller)
