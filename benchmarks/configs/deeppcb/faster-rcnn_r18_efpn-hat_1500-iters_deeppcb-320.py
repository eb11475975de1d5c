_base_ = [
    '../../../configs/deeppcb/faster-rcnn_r18_efpn_1500-iters_deeppcb-320.py',
    '../../../configs/_base_/ftt/hat_light.py',
]

model = dict(neck=dict(ftt=dict(_delete_=True, **_base_.hat_light)))
