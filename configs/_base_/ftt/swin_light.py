"""The light preset of SwinFTT: narrow, with small windows."""

swin_light = dict(type='SwinFTT', embed_dims=64, depths=(2, 2), num_heads=4, window_size=8)
