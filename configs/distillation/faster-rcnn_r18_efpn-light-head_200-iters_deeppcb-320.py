"""The second box head alone learns, on RoIs of the light P2'; start it from a distilled detector."""

_base_ = ['../deeppcb/faster-rcnn_r18_efpn-light_1500-iters_deeppcb-320.py', '../_base_/distillation.py']

model = dict(_delete_=True, detector=_base_.model, **_base_.box_head_trainer)
# the paper's second box head, for RoIs under 56 pixels
model['detector']['roi_head']['extended_bbox_head'] = True
model['detector']['roi_head']['extended_rois_only'] = True

train_cfg = dict(max_iters=_base_.head_iters)
param_scheduler = _base_.head_schedule
