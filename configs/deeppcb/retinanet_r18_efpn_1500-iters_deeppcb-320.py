"""RetinaNet with EFPN: the anchors of its plain twin, each on a level two octaves finer.

Anchors of 16 to 25 pixels, which most defects match, stand at stride 2 instead of 8.
"""

_base_ = ['./retinanet_r18_fpn_1500-iters_deeppcb-320.py', '../_base_/efpn_light.py']

model = dict(
    bbox_head=dict(anchor_generator=dict(octave_base_scale=8, strides=[2, 4, 8, 16, 32])),
    **_base_.efpn_light_one_stage,
)
