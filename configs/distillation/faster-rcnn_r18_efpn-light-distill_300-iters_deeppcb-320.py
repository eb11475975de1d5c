"""The light extension alone learns from the pyramid of the full image; start it from a trained FPN."""

_base_ = ['../deeppcb/faster-rcnn_r18_efpn-light_1500-iters_deeppcb-320.py', '../_base_/distillation.py']

model = dict(_delete_=True, detector=_base_.model, **_base_.distiller)
# the paper's second box head, for RoIs under 56 pixels
model['detector']['roi_head']['extended_bbox_head'] = True

train_cfg = dict(max_iters=_base_.distill_iters)
param_scheduler = _base_.distill_schedule
