"""FCOS with EFPN: the ranges of its plain twin, each on a level two octaves finer.

Distances up to 32 pixels, those of nearly all defects, are regressed at stride 2 instead of 8.
"""

_base_ = ['./fcos_r18_fpn_1500-iters_deeppcb-320.py', '../_base_/efpn_light.py']

model = dict(bbox_head=dict(strides=[2, 4, 8, 16, 32]), **_base_.efpn_light_one_stage)
