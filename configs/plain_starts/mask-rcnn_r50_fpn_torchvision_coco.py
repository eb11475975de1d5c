"""torchvision's maskrcnn_resnet50_fpn: its own boxes, scores and 28x28 masks.

Only pasting masks into the image differs: torchvision resizes each to its box in whole pixels. See
faster-rcnn_r50_fpn_torchvision_coco.py.
"""

_base_ = [
    'mmdet::_base_/models/mask-rcnn_r50_fpn.py',
    '../_base_/torchvision_pixels.py',
    'mmdet::_base_/schedules/schedule_1x.py',
]

unaligned = dict(sampling_ratio=2, aligned=False)
model = dict(
    backbone=dict(norm_cfg=dict(eps=0.0)),
    rpn_head=dict(anchor_generator=dict(type='TorchvisionAnchorGenerator')),
    roi_head=dict(
        bbox_roi_extractor=dict(roi_layer=unaligned), mask_roi_extractor=dict(roi_layer=unaligned)
    ),
    # from 1001 boxes on, NMS runs class by class, as in torchvision on a CPU
    test_cfg=dict(
        rpn=dict(min_bbox_size=1e-3, nms=dict(split_thr=1001)), rcnn=dict(nms=dict(split_thr=1001))
    ),
)

train_pipeline = [
    dict(type='LoadImageFromFile', backend_args=None),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(type='Resize', scale=(1333, 800), keep_ratio=True),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDetInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_evaluator = dict(metric=['bbox', 'segm'])
test_evaluator = val_evaluator
