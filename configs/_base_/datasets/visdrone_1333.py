"""VisDrone-DET at a short side of 800 and at most 1333 pixels long.

Ignored regions and "others" are marked in the JSON; training and metric leave them out.
"""

_base_ = './coco_format.py'
data_root = 'data/visdrone/'
image_scale = (1333, 800)

_base_.train_pipeline[2].scale = image_scale
_base_.train_pipeline.insert(3, dict(type='RandomFlip', prob=0.5, direction=['horizontal']))
_base_.test_pipeline[1].scale = image_scale
dataset = dict(type='VisDroneDataset', data_root=data_root)
train_dataloader = dict(
    batch_size=2,
    batch_sampler=dict(type='AspectRatioBatchSampler'),
    dataset=dict(pipeline=_base_.train_pipeline, **dataset),
)
val_dataloader = dict(
    dataset=dict(ann_file='annotations/val.json', pipeline=_base_.test_pipeline, **dataset)
)
test_dataloader = val_dataloader
val_evaluator = dict(preset='visdrone', ann_file=data_root + 'annotations/val.json')
test_evaluator = val_evaluator
