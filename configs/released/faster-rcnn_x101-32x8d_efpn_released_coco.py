"""The authors' released EFPN model on COCO, with the test settings of their program: 800/1333.

``mmdet-efpn extend-weights FILE THIS_CONFIG OUT.pth`` makes a checkpoint for it. One box head serves all
levels.
"""

_base_ = [
    '../_base_/models/faster-rcnn_x101-32x8d_efpn_released.py',
    'mmdet::_base_/datasets/coco_detection.py',
    '../_base_/datasets/released_pipeline.py',
    'mmdet::_base_/schedules/schedule_2x.py',
    'mmdet::_base_/default_runtime.py',
]

model = dict(roi_head=dict(extended_bbox_head=False))

test_pipeline = _base_.released_pipeline
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
