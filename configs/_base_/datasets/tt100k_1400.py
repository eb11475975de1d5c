"""TT100K, 45 classes of traffic signs: images of 2048x2048 at a short side of 1400.

No flip: signs such as "keep left" would change their meaning.
"""

_base_ = './coco_format.py'
data_root = 'data/tt100k/'
image_scale = (4000, 1400)  # longest long side, short side

_base_.train_pipeline[2].scale = image_scale
_base_.test_pipeline[1].scale = image_scale
dataset = dict(type='TT100KDataset', data_root=data_root)
train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline, **dataset))
val_dataloader = dict(
    dataset=dict(ann_file='annotations/test.json', pipeline=_base_.test_pipeline, **dataset)
)
test_dataloader = val_dataloader
val_evaluator = dict(ann_file=data_root + 'annotations/test.json')
test_evaluator = val_evaluator
