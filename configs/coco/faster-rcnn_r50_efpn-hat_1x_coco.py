_base_ = ['./faster-rcnn_r50_efpn_1x_coco.py', '../_base_/ftt/hat_light.py']

# with_cp: activations are made again in the backward pass.
model = dict(neck=dict(ftt=dict(_delete_=True, with_cp=True, **_base_.hat_light)))
