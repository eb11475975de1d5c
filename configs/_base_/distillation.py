"""What the stages of distillation put round a detector's config.

A stage inherits the detector and this file, and writes
``model = dict(_delete_=True, detector=_base_.model, **_base_.distiller)``.
"""

# the extension alone learns from the pyramid of the full image; start it from a trained FPN detector
distiller = dict(type='CrossResolutionDistiller')
# everything learns from the start; distillation weighs a tenth, so that detection leads
joint_distiller = dict(
    type='CrossResolutionDistiller',
    distill_loss=dict(type='ForegroundBackgroundBalancedLoss', loss_weight=0.1),
    detection_loss=True,
)
# the second box head alone learns; roi_head.extended_rois_only=True shows it RoIs of P2' only.
# Online hard example mining: detector.train_cfg.rcnn.sampler.type='OHEMSampler'
box_head_trainer = dict(type='PartlyTrainedDetector', trainable=['roi_head.extended_bbox_head'])

# 4 and 2 epochs, and a drop of the rate after all but one, are choices of this project: no schedule was
# published.
four_epochs = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=500),
    dict(type='MultiStepLR', begin=0, end=4, by_epoch=True, milestones=[3], gamma=0.1),
]
two_epochs = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=500),
    dict(type='MultiStepLR', begin=0, end=2, by_epoch=True, milestones=[1], gamma=0.1),
]
# On DeepPCB: iterations of the stages.
distill_iters = 300
distill_schedule = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=30),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=30, end=distill_iters, eta_min_ratio=0.05),
]
head_iters = 200
head_schedule = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=20),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=20, end=head_iters, eta_min_ratio=0.05),
]
