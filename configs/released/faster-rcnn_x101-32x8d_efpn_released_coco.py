"""The test settings of the authors' released EFPN model on COCO: 800/1333, RoIAlign of 2 samples.

Its NMS at 0.5 and its 1000 proposals before and after NMS are MMDetection's defaults. Trained twice as
long as the 1x config.
"""

_base_ = [
    '../_base_/models/faster-rcnn_x101-32x8d_efpn.py',
    'mmdet::_base_/datasets/coco_detection.py',
    'mmdet::_base_/schedules/schedule_2x.py',
    'mmdet::_base_/default_runtime.py',
]

model = dict(roi_head=dict(bbox_roi_extractor=dict(roi_layer=dict(sampling_ratio=2))))
