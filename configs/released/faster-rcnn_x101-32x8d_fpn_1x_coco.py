"""The COCO detector without the extended level: the one that the extension is later added to."""

_base_ = ['../coco/faster-rcnn_x101-32x8d_efpn_1x_coco.py', '../_base_/plain_fpn.py']

model = dict(**_base_.plain_fpn)
