"""Your own data set in COCO format: copy this file within its folder and set the values below."""

_base_ = '../coco/faster-rcnn_r50_efpn-light_1x_coco.py'

data_root = 'data/own/'  # holds annotations/train.json, annotations/val.json and images/
classes = ('thing',)  # the category names of the JSON files, in their order
scale = (1333, 800)  # longest long side and short side in pixels
smallest_anchor = 16  # pixels at this scale: about the median side of your small objects
detections_per_picture = 100  # at most; more than the fullest picture has objects
images_per_gpu = 2

_base_.train_pipeline[2].scale = scale
_base_.test_pipeline[1].scale = scale
dataset = dict(
    type='CheckedCocoDataset',
    data_root=data_root,
    metainfo=dict(classes=classes),
    data_prefix=dict(img='images/'),
)
train_dataloader = dict(
    batch_size=images_per_gpu,
    dataset=dict(ann_file='annotations/train.json', pipeline=_base_.train_pipeline, **dataset),
)
val_dataloader = dict(
    dataset=dict(ann_file='annotations/val.json', pipeline=_base_.test_pipeline, **dataset)
)
test_dataloader = val_dataloader
val_evaluator = dict(
    _delete_=True,
    type='SmallObjectMetric',
    ann_file=f'{data_root}annotations/val.json',
    max_dets=detections_per_picture,
)
test_evaluator = val_evaluator

# The learning rate is 0.02 for 16 images and follows the number of images in a batch.
auto_scale_lr = dict(enable=True)

# A prior of which half lies in an ignored region is neither an object nor background.
ignored = dict(assigner=dict(ignore_iof_thr=0.5))
proposals = max(1000, 3 * detections_per_picture)
model = dict(
    rpn_head=dict(anchor_generator=dict(scales=[smallest_anchor / 4])),  # P2 has stride 4
    roi_head=dict(bbox_head=dict(num_classes=len(classes))),
    train_cfg=dict(rpn=ignored, rcnn=ignored),
    test_cfg=dict(
        rpn=dict(nms_pre=proposals, max_per_img=proposals),
        rcnn=dict(max_per_img=detections_per_picture),
    ),
)
