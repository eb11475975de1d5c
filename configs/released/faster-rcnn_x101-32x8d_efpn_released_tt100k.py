"""The authors' released EFPN model on TT100K, with the test settings of their program: 1400/4000.

``mmdet-efpn extend-weights FILE THIS_CONFIG OUT.pth`` makes a checkpoint for it. Anchors begin at 16
pixels, and a second box head serves P2'. The model knows 175 classes.
"""

_base_ = [
    '../_base_/models/faster-rcnn_x101-32x8d_efpn_released.py',
    '../_base_/datasets/tt100k_1400.py',
    '../_base_/datasets/released_pipeline.py',
    'mmdet::_base_/schedules/schedule_2x.py',
    'mmdet::_base_/default_runtime.py',
]

model = dict(
    rpn_head=dict(anchor_generator=dict(scales=[4])),
    roi_head=dict(bbox_head=dict(num_classes=175)),
)

_base_.released_pipeline[1].scale = (4000, 1400)
test_pipeline = _base_.released_pipeline
train_dataloader = dict(dataset=dict(type='TT100KReleasedDataset'))
val_dataloader = dict(dataset=dict(type='TT100KReleasedDataset', pipeline=test_pipeline))
test_dataloader = val_dataloader
