"""Designs of the extended level, each trained for the first 500 of 1500 iterations.

In the light design P3' begins small, and the sum of C2' and P3' is 64 wide; "loud light" has neither.
"""

efpn = '../../../configs/deeppcb/faster-rcnn_r18_efpn_1500-iters_deeppcb-320.py'
light = '../../../configs/deeppcb/faster-rcnn_r18_efpn-light_1500-iters_deeppcb-320.py'
wide = {'model.neck.extension_cfg.channels': None}  # as wide as the pyramid
loud = {'model.neck.extension_cfg.p3_prime_scale': None, **wide}
short = {'train_cfg.max_iters': 500}
first_block = {'model.backbone.c2_prime': 'shared', 'model.backbone.c2_prime_blocks': 1}

recipe = dict(
    independent=True,
    stages=[
        dict(
            name='FPN 320',
            config='../../../configs/deeppcb/faster-rcnn_r18_fpn_1500-iters_deeppcb-320.py',
            cfg_options=short,
        ),
        dict(
            name='FPN 640',
            config='../deeppcb/faster-rcnn_r18_fpn_1500-iters_deeppcb-640.py',
            cfg_options=short,
        ),
        dict(
            name='FTT h 128',
            config='../deeppcb/faster-rcnn_r18_efpn-h128_1500-iters_deeppcb-320.py',
            cfg_options=short,
        ),
        dict(
            name='PointwiseFTT',
            config='../deeppcb/faster-rcnn_r18_efpn-pointwise_1500-iters_deeppcb-320.py',
            cfg_options=short,
        ),
        dict(name='FTT h 64', config=efpn, cfg_options=short),
        dict(
            name='FTT h 64, stem', config=efpn, cfg_options={'model.backbone.c2_prime': 'stem', **short}
        ),
        dict(name='loud light', config=light, cfg_options={**loud, **short}),
        dict(name='loud light, first block', config=light, cfg_options={**loud, **first_block, **short}),
        dict(
            name='loud light, first block, large FTT',
            config=light,
            cfg_options={
                'model.neck.ftt': dict(
                    hidden_channels=128, kernel_size=7, content_blocks=2, texture_blocks=2
                ),
                **loud,
                **first_block,
                **short,
            },
        ),
        dict(
            name='loud light, quiet FTT',
            config=light,
            cfg_options={'model.neck.ftt.initial_residual': 0.01, **loud, **short},
        ),
        dict(
            name='loud light, PointwiseFTT',
            config=light,
            cfg_options={'model.neck.ftt.type': 'PointwiseFTT', **loud, **short},
        ),
        dict(
            name='loud light, on RoIs',
            config=light,
            cfg_options={
                'model.neck.extension_cfg.on_rois': True,
                'model.neck.extension_cfg.separable': False,
                'model.neck.extension_cfg.widen_on_rois': False,
                **loud,
                **short,
            },
        ),
        dict(name='light, 128 wide', config=light, cfg_options={**wide, **short}),
        dict(name='light', config=light, cfg_options=short),
        dict(
            name='light, 3x3',
            config=light,
            cfg_options={
                'model.neck.extension_cfg.separable': False,
                'model.neck.extension_cfg.widen_on_rois': False,
                **short,
            },
        ),
        dict(
            name='light, on RoIs',
            config=light,
            cfg_options={'model.neck.extension_cfg.on_rois': True, **short},
        ),
    ],
)
