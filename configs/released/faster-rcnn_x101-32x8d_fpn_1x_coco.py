"""The COCO detector without the extended level: the detector that the extension is later added to."""

_base_ = '../coco/faster-rcnn_x101-32x8d_efpn_1x_coco.py'

model = dict(
    backbone=dict(type='ResNeXt'),
    neck=dict(
        _delete_=True, type='FPN', in_channels=[256, 512, 1024, 2048], out_channels=256, num_outs=5
    ),
    rpn_head=dict(type='RPNHead'),
    roi_head=dict(
        type='StandardRoIHead', bbox_roi_extractor=dict(featmap_strides=[4, 8, 16, 32], finest_scale=56)
    ),
)
