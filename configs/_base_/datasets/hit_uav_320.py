"""HIT-UAV frames at half size, 320x256; AP is judged at their own 640x512."""

_base_ = './coco_format.py'
data_root = 'data/hit_uav/'
image_scale = (320, 256)

_base_.train_pipeline[2].scale = image_scale
_base_.train_pipeline.insert(3, dict(type='RandomFlip', prob=0.5, direction=['horizontal', 'vertical']))
_base_.test_pipeline[1].scale = image_scale
dataset = dict(type='HITUAVDataset', data_root=data_root)
train_dataloader = dict(
    batch_size=4,
    sampler=dict(type='InfiniteSampler'),
    dataset=dict(pipeline=_base_.train_pipeline, **dataset),
)
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline, **dataset))
test_dataloader = val_dataloader
val_evaluator = dict(ann_file=data_root + 'annotations/val.json')
test_evaluator = val_evaluator
