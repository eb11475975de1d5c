"""Faster R-CNN with EFPN: what it changes in MMDetection's own Faster R-CNN with FPN."""

_base_ = 'mmdet::_base_/models/faster-rcnn_r50_fpn.py'
custom_imports = dict(imports=['mmdet_efpn'], allow_failed_imports=False)

model = dict(
    backbone=dict(type='ExtendedResNet'),
    neck=dict(
        type='EFPN',
        in_channels=[256, 256, 512, 1024, 2048],  # C2', C2, C3, C4, C5
        num_outs=6,  # P2', P2, ..., P6
        ftt=dict(type='FTT', hidden_channels=128),
    ),
    rpn_head=dict(type='ExtendedRPNHead'),  # on P2..P6
    roi_head=dict(
        type='ExtendedRoIHead',
        # RoIs under 56 pixels are pooled from P2' and have a box head of their own.
        bbox_roi_extractor=dict(featmap_strides=[2, 4, 8, 16, 32], finest_scale=28),
    ),
)
