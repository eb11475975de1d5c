_base_ = './faster-rcnn_r18_efpn_1500-iters_deeppcb-320.py'

model = dict(
    backbone=dict(
        depth=50,
        frozen_stages=1,
        norm_eval=True,
        init_cfg=dict(_delete_=True, type='Pretrained', checkpoint='torchvision://resnet50'),
    ),
    neck=dict(in_channels=[256, 256, 512, 1024, 2048], out_channels=256, ftt=dict(hidden_channels=128)),
    rpn_head=dict(in_channels=256, feat_channels=256),
    roi_head=dict(bbox_roi_extractor=dict(out_channels=256), bbox_head=dict(in_channels=256)),
)
