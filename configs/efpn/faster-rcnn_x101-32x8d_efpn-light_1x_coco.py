_base_ = ['./faster-rcnn_x101-32x8d_efpn_1x_coco.py', '../_base_/efpn_light.py']

light = _base_.efpn_light
model = dict(
    backbone=light.backbone,
    neck=dict(in_channels=[64, 256, 512, 1024, 2048], **light.neck))
del light
