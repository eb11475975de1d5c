_base_ = './faster-rcnn_r50_efpn_1x_coco.py'

# Light: narrow, small windows, activations made again in the backward pass.
model = dict(
    neck=dict(
        ftt=dict(
            _delete_=True,
            type='SwinFTT',
            embed_dims=64,
            depths=(2, 2),
            num_heads=4,
            window_size=8,
            with_cp=True)))
