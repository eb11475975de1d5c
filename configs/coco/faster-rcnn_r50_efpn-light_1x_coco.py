_base_ = ['./faster-rcnn_r50_efpn_1x_coco.py', '../_base_/efpn_light.py']

model = dict(**_base_.efpn_light_bottleneck)
