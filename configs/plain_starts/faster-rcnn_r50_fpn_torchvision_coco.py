"""torchvision's fasterrcnn_resnet50_fpn: its own detections from its own file for COCO.

``mmdet-efpn extend-weights FILE THIS_CONFIG OUT.pth`` makes a checkpoint for it. Norms have epsilon 0,
as with ``weights='COCO_V1'``; for a training that did not start there, set 1e-5.
"""

_base_ = [
    'mmdet::_base_/models/faster-rcnn_r50_fpn.py',
    '../_base_/torchvision_pixels.py',
    'mmdet::_base_/schedules/schedule_1x.py',
]

model = dict(
    backbone=dict(norm_cfg=dict(eps=0.0)),
    rpn_head=dict(anchor_generator=dict(type='TorchvisionAnchorGenerator')),
    roi_head=dict(bbox_roi_extractor=dict(roi_layer=dict(sampling_ratio=2, aligned=False))),
    # from 1001 boxes on, NMS runs class by class, as in torchvision on a CPU
    test_cfg=dict(
        rpn=dict(min_bbox_size=1e-3, nms=dict(split_thr=1001)), rcnn=dict(nms=dict(split_thr=1001))
    ),
)
