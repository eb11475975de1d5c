"""The authors' released EFPN model on COCO, with the test settings of their program: 800/1333.

``mmdet-efpn extend-weights FILE THIS_CONFIG OUT.pth`` makes a checkpoint for it. One box head serves all
levels.
"""

_base_ = [
    '../_base_/models/faster-rcnn_x101-32x8d_efpn_released.py',
    'mmdet::_base_/datasets/coco_detection.py',
    'mmdet::_base_/schedules/schedule_2x.py',
    'mmdet::_base_/default_runtime.py',
]

model = dict(roi_head=dict(extended_bbox_head=False))

# Proposals are clipped to the padded image, as there.
test_pipeline = [
    dict(type='LoadImageFromFile', to_float32=True),
    dict(type='DetectronResize', scale=(1333, 800)),
    dict(type='Pad', size_divisor=64, pad_val=dict(img=(102.9801, 115.9465, 122.7717))),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(
        type='PackDetInputs', meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')
    ),
]
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
