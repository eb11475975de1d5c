"""COCO as torchvision's detectors see it: RGB, 800/1333, resized without rounding."""

_base_ = ['mmdet::_base_/datasets/coco_detection.py', 'mmdet::_base_/default_runtime.py']
custom_imports = dict(imports=['mmdet_efpn'], allow_failed_imports=False)

test_pipeline = [
    dict(type='LoadImageFromFile', to_float32=True),
    dict(type='TorchvisionResize', scale=(1333, 800)),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(
        type='PackDetInputs', meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')
    ),
]
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
