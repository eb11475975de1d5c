"""detectron2's retinanet_R_50_FPN: MMDetection's Caffe form with a ReLU between P6 and P7.

Its Faster R-CNN and Mask R-CNN need no config: MMDetection's ``*_r50-caffe_fpn_1x_coco.py`` are theirs.
"""

_base_ = 'mmdet::retinanet/retinanet_r50-caffe_fpn_1x_coco.py'

model = dict(neck=dict(relu_before_extra_convs=True))
