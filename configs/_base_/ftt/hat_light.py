"""The light preset of HATFTT: narrow, with small windows."""

hat_light = dict(
    type='HATFTT',
    embed_dims=64,
    depths=(2, 2),
    num_heads=4,
    window_size=8,
    compress_ratio=4,
    squeeze_factor=16,
)
