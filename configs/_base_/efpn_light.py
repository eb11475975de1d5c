"""The light extension: the stem for C2', LightFTT, and a separable conv that makes P2'.

The first of the neck's in_channels must be the stem's width, 64 in every ResNet and ResNeXt.
"""
efpn_light = dict(
    backbone=dict(c2_prime='stem'),
    neck=dict(ftt=dict(_delete_=True, type='LightFTT'), extension_cfg=dict(separable=True)))
