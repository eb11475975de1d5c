"""The test settings of the authors' released EFPN model on COCO: 800/1333, RoIAlign of 2 samples.

Its NMS at 0.5 and its 1000 proposals before and after NMS are MMDetection's defaults.
"""

_base_ = '../efpn/faster-rcnn_x101-32x8d_efpn_2x_coco.py'

model = dict(roi_head=dict(bbox_roi_extractor=dict(roi_layer=dict(sampling_ratio=2))))
