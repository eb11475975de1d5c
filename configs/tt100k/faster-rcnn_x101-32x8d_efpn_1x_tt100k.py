_base_ = [
    '../_base_/models/faster-rcnn_x101-32x8d_efpn.py', '../_base_/datasets/tt100k_1400.py',
    'mmdet::_base_/schedules/schedule_1x.py', 'mmdet::_base_/default_runtime.py'
]

model = dict(
    rpn_head=dict(anchor_generator=dict(scales=[4])),  # from 16 pixels
    roi_head=dict(
        bbox_roi_extractor=dict(roi_layer=dict(sampling_ratio=2)),
        bbox_head=dict(num_classes=45)),
    test_cfg=dict(
        rpn=dict(nms_pre=1000, max_per_img=1000),
        rcnn=dict(nms=dict(type='nms', iou_threshold=0.5))))
