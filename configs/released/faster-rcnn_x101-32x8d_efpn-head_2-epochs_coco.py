"""The second box head alone learns, on RoIs of P2' only; start it from a distilled detector."""

_base_ = ['../coco/faster-rcnn_x101-32x8d_efpn_1x_coco.py', '../_base_/distillation.py']

model = dict(_delete_=True, detector=_base_.model, **_base_.box_head_trainer)
model['detector']['roi_head']['extended_rois_only'] = True

train_cfg = dict(max_epochs=2)
param_scheduler = _base_.two_epochs
