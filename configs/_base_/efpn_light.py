"""The light extension: a third of stage 2 for C2', LightFTT, and a separable conv that makes P2'."""
efpn_light = dict(
    backbone=dict(c2_prime_blocks=1),
    neck=dict(ftt=dict(_delete_=True, type='LightFTT'), extension_cfg=dict(separable=True)))
