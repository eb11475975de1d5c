"""The test settings of the authors' released EFPN model on COCO: 800/1333, RoIAlign of 2 samples."""
_base_ = '../efpn/faster-rcnn_x101-32x8d_efpn_2x_coco.py'

model = dict(
    roi_head=dict(bbox_roi_extractor=dict(roi_layer=dict(sampling_ratio=2))),
    test_cfg=dict(
        rpn=dict(nms_pre=1000, max_per_img=1000),
        rcnn=dict(nms=dict(type='nms', iou_threshold=0.5))))
