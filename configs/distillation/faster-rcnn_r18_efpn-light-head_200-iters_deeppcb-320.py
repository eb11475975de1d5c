"""The second box head alone learns, on RoIs of the light P2'; start it from a distilled detector."""

_base_ = ['./faster-rcnn_r18_efpn-head_200-iters_deeppcb-320.py', '../_base_/efpn_light.py']

model = dict(detector=_base_.efpn_light_128)
