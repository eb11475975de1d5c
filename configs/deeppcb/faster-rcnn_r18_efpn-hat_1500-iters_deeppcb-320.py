_base_ = './faster-rcnn_r18_efpn_1500-iters_deeppcb-320.py'

model = dict(
    neck=dict(
        ftt=dict(
            _delete_=True,
            type='HATFTT',
            embed_dims=64,
            depths=(2, 2),
            num_heads=4,
            window_size=8,
            compress_ratio=4,
            squeeze_factor=16)))
