"""torchvision's retinanet_resnet50_fpn: its own detections from its own file for COCO.

P6 is made of P5, and P7 of P6 after a ReLU. See faster-rcnn_r50_fpn_torchvision_coco.py.
"""

_base_ = [
    'mmdet::_base_/models/retinanet_r50_fpn.py',
    '../_base_/torchvision_pixels.py',
    'mmdet::_base_/schedules/schedule_1x.py',
]

model = dict(
    backbone=dict(norm_cfg=dict(eps=0.0)),
    neck=dict(add_extra_convs='on_output', relu_before_extra_convs=True),
    bbox_head=dict(anchor_generator=dict(type='TorchvisionAnchorGenerator')),
    # Empty boxes stay. From 1001 boxes on, NMS runs class by class, as in torchvision on a CPU.
    test_cfg=dict(max_per_img=300, min_bbox_size=-1, nms=dict(split_thr=1001)),
)
optim_wrapper = dict(optimizer=dict(lr=0.01))
