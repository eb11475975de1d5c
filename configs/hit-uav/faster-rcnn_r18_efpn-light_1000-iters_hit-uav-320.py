"""The plain detector beside this file, with the light stride-2 level P2'."""

_base_ = ['./faster-rcnn_r18_fpn_1000-iters_hit-uav-320.py', '../_base_/efpn_light.py']

model = dict(**_base_.efpn_light_of_fpn_128)
