"""Detection and distillation losses in one run; distillation weighs a tenth, so that detection leads."""

joint_distillation = dict(
    type='CrossResolutionDistiller',
    distill_loss=dict(type='ForegroundBackgroundBalancedLoss', loss_weight=0.1),
    detection_loss=True,
)
