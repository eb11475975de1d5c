"""AI-TOD, version 1 or 2, at its own 800x800 pixels."""

_base_ = './coco_format.py'
data_root = 'data/ai-tod/'
image_scale = (800, 800)

_base_.train_pipeline[2].scale = image_scale
_base_.train_pipeline.insert(3, dict(type='RandomFlip', prob=0.5, direction=['horizontal']))
_base_.test_pipeline[1].scale = image_scale
dataset = dict(type='AITODDataset', data_root=data_root)
train_dataloader = dict(
    batch_size=2,
    batch_sampler=dict(type='AspectRatioBatchSampler'),
    dataset=dict(pipeline=_base_.train_pipeline, **dataset),
)
val_dataloader = dict(
    dataset=dict(ann_file='annotations/test.json', pipeline=_base_.test_pipeline, **dataset)
)
test_dataloader = val_dataloader
val_evaluator = dict(preset='aitod', ann_file=data_root + 'annotations/test.json')
test_evaluator = val_evaluator
