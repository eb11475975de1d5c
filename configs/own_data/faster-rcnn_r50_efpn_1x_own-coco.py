"""Your own data set in COCO format: copy this file within its folder, set the four values below."""

_base_ = '../coco/faster-rcnn_r50_efpn_1x_coco.py'

data_root = 'data/own/'  # holds annotations/train.json, annotations/val.json and images/
classes = ('thing',)  # the category names of the JSON files, in their order
image_scale = (1333, 800)  # longest long side and short side in pixels
smallest_anchor = 16  # pixels at this scale: about the median side of your small objects

_base_.train_pipeline[2].scale = image_scale
_base_.test_pipeline[1].scale = image_scale
metainfo = dict(classes=classes)
train_dataloader = dict(
    dataset=dict(
        type='CheckedCocoDataset',
        data_root=data_root,
        metainfo=metainfo,
        ann_file='annotations/train.json',
        data_prefix=dict(img='images/'),
        pipeline=_base_.train_pipeline,
    )
)
val_dataloader = dict(
    dataset=dict(
        type='CheckedCocoDataset',
        data_root=data_root,
        metainfo=metainfo,
        ann_file='annotations/val.json',
        data_prefix=dict(img='images/'),
        pipeline=_base_.test_pipeline,
    )
)
test_dataloader = val_dataloader
val_evaluator = dict(ann_file=f'{data_root}/annotations/val.json')
test_evaluator = val_evaluator

model = dict(
    rpn_head=dict(anchor_generator=dict(scales=[smallest_anchor / 4])),  # P2 has stride 4
    roi_head=dict(bbox_head=dict(num_classes=len(classes))),
)
