_base_ = './faster-rcnn_x101-32x8d_efpn_1x_coco.py'

model = dict(neck=dict(ftt=dict(_delete_=True, type='PointwiseFTT')))
