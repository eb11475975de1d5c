"""The extension alone learns from the pyramid of the full image; start it from a trained FPN."""

_base_ = ['./faster-rcnn_x101-32x8d_efpn_1x_tt100k.py', '../_base_/distillation.py']

model = dict(_delete_=True, detector=_base_.model, **_base_.distiller)

train_cfg = dict(max_epochs=4)
param_scheduler = _base_.four_epochs
