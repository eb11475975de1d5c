_base_ = '../../../configs/deeppcb/faster-rcnn_r18_efpn_1500-iters_deeppcb-320.py'

model = dict(neck=dict(ftt=dict(_delete_=True, type='PointwiseFTT')))
