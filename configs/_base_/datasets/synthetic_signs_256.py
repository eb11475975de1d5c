"""The built-in road scenes with small signs, 256x256.

No flip: "turn right" would become "turn left".
"""

_base_ = './coco_format.py'
data_root = 'data/synthetic_signs/'
image_scale = (256, 256)

_base_.train_pipeline[2].scale = image_scale
_base_.test_pipeline[1].scale = image_scale
dataset = dict(type='SyntheticSignsDataset', data_root=data_root)
train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    sampler=dict(type='InfiniteSampler'),
    dataset=dict(pipeline=_base_.train_pipeline, **dataset),
)
val_dataloader = dict(num_workers=1, dataset=dict(pipeline=_base_.test_pipeline, **dataset))
test_dataloader = val_dataloader
val_evaluator = dict(ann_file=data_root + 'annotations/val.json')
test_evaluator = val_evaluator
