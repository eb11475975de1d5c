_base_ = ['./faster-rcnn_r18_efpn_1500-iters_deeppcb-320.py', '../_base_/efpn_light.py']

model = dict(**_base_.efpn_light_128)
