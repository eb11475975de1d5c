_base_ = './faster-rcnn_r18_fpn_1500-iters_deeppcb-320.py'

model = dict(
    backbone=dict(type='ExtendedResNet'),
    neck=dict(
        type='EFPN',
        in_channels=[64, 64, 128, 256, 512],
        num_outs=6,
        ftt=dict(type='FTT', hidden_channels=64),
    ),
    rpn_head=dict(type='ExtendedRPNHead'),
    roi_head=dict(
        type='ExtendedRoIHead',
        extended_bbox_head=False,  # nearly every defect is under 56 pixels: one head serves them
        bbox_roi_extractor=dict(featmap_strides=[2, 4, 8, 16, 32], finest_scale=28),
    ),
)
