"""The light extension alone learns from the pyramid of the full image; start it from a trained FPN."""

_base_ = ['./faster-rcnn_r18_efpn-distill_300-iters_deeppcb-320.py', '../_base_/efpn_light.py']

model = dict(detector=_base_.efpn_light_128)
