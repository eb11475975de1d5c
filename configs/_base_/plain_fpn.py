"""What makes a Faster R-CNN with EFPN and ResNeXt the plain one again, without P2'."""

plain_fpn = dict(
    backbone=dict(type='ResNeXt'),
    neck=dict(
        _delete_=True, type='FPN', in_channels=[256, 512, 1024, 2048], out_channels=256, num_outs=5
    ),
    rpn_head=dict(type='RPNHead'),
    roi_head=dict(
        type='StandardRoIHead',
        bbox_roi_extractor=dict(featmap_strides=[4, 8, 16, 32], finest_scale=56),
    ),
)
