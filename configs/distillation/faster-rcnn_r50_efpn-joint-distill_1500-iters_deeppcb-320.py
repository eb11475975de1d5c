"""Detection and distillation losses in one run, everything trained from the start."""
_base_ = '../deeppcb/faster-rcnn_r50_efpn-two-heads_1500-iters_deeppcb-320.py'

model = dict(
    _delete_=True,
    type='CrossResolutionDistiller',
    detector=_base_.model,
    distill_loss=dict(type='ForegroundBackgroundBalancedLoss', loss_weight=0.1),  # detection leads
    detection_loss=True)
