"""The EFPN authors' released detector as their test program runs it, which is a fork of Detectron's.

The last pixel of a box counts, in anchors, deltas, levels and NMS; RoIAlign is the unaligned one; small
RoIs are pooled from P2' and from P2. NMS at 0.7 and 0.5, 1000 proposals a level before it and 1000 of
all levels after it, scores above 0.05 and 100 detections are MMDetection's defaults.
"""

_base_ = './faster-rcnn_x101-32x8d_efpn.py'

model = dict(
    # BGR; padded with the mean, which is 0 for the network
    data_preprocessor=dict(
        mean=[102.9801, 115.9465, 122.7717], std=[1.0, 1.0, 1.0], bgr_to_rgb=False, pad_size_divisor=64
    ),
    rpn_head=dict(
        anchor_generator=dict(type='DetectronAnchorGenerator'),
        bbox_coder=dict(type='DetectronBBoxCoder'),
    ),
    roi_head=dict(
        pool_small_rois_from='both',
        bbox_roi_extractor=dict(
            type='DetectronRoIExtractor', roi_layer=dict(sampling_ratio=2, aligned=False)
        ),
        bbox_head=dict(type='DetectronBBoxHead', bbox_coder=dict(type='DetectronBBoxCoder')),
    ),
    # offset: a box is a pixel wider than its corners are apart. split_thr: each level's and class's NMS
    # by itself, for far boxes' corners lose digits where all of them go side by side into one.
    test_cfg=dict(
        rpn=dict(nms=dict(offset=1, split_thr=1), min_bbox_size=-1),
        rcnn=dict(nms=dict(offset=1, split_thr=1)),
    ),
)
