"""How the EFPN authors' test program reads a picture; a config sets ``released_pipeline[1]['scale']``.

Proposals are clipped to the padded image, as there.
"""

released_pipeline = [
    dict(type='LoadImageFromFile', to_float32=True),
    dict(type='DetectronResize', scale=(1333, 800)),
    dict(type='Pad', size_divisor=64, pad_val=dict(img=(102.9801, 115.9465, 122.7717))),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(
        type='PackDetInputs', meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')
    ),
]
