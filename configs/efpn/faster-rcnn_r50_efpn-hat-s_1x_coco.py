_base_ = './faster-rcnn_r50_efpn_1x_coco.py'

# Two groups of the size of HAT-S: with init_cfg=dict(type='HATPretrained', checkpoint='HAT-S_SRx4.pth')
# they start from its weights.
model = dict(
    neck=dict(
        ftt=dict(
            _delete_=True,
            type='HATFTT',
            embed_dims=144,
            depths=(6, 6),
            num_heads=6,
            window_size=16,
            compress_ratio=24,
            squeeze_factor=24,
            drop_path_rate=0.1,
            with_cp=True,
        )
    )
)
