_base_ = [
    '../_base_/models/faster-rcnn_x101-32x8d_efpn.py',
    '../_base_/datasets/tt100k_1400.py',
    'mmdet::_base_/schedules/schedule_1x.py',
    'mmdet::_base_/default_runtime.py',
]

model = dict(
    rpn_head=dict(anchor_generator=dict(scales=[4])),  # from 16 pixels
    roi_head=dict(
        bbox_roi_extractor=dict(roi_layer=dict(sampling_ratio=2)), bbox_head=dict(num_classes=45)
    ),
)
# The released model's NMS at 0.5 and its 1000 proposals are MMDetection's defaults.

# For 8 GPUs with one image each.
optim_wrapper = dict(optimizer=dict(lr=0.01))
auto_scale_lr = dict(base_batch_size=8)
