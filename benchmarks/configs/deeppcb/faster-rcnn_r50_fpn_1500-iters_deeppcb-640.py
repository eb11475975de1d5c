_base_ = '../../../configs/deeppcb/faster-rcnn_r50_fpn_1500-iters_deeppcb-320.py'
image_size = (640, 640)

_base_.train_pipeline[2].scale = image_size
_base_.test_pipeline[1].scale = image_size
train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader

model = dict(rpn_head=dict(anchor_generator=dict(scales=[8])))  # from 32 pixels: twice the input
