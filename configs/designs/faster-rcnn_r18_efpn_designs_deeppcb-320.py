"""Designs of the extended level, each trained for the first 500 of 1500 iterations."""
efpn = '../deeppcb/faster-rcnn_r18_efpn_1500-iters_deeppcb-320.py'
light = '../deeppcb/faster-rcnn_r18_efpn-light_1500-iters_deeppcb-320.py'
short = {'train_cfg.max_iters': 500}
first_block = {'model.backbone.c2_prime': 'shared', 'model.backbone.c2_prime_blocks': 1}

recipe = dict(
    independent=True,
    stages=[
        dict(
            name='FPN 320',
            config='../deeppcb/faster-rcnn_r18_fpn_1500-iters_deeppcb-320.py',
            cfg_options=short),
        dict(
            name='FPN 640',
            config='../deeppcb/faster-rcnn_r18_fpn_1500-iters_deeppcb-640.py',
            cfg_options=short),
        dict(
            name='FTT h 128',
            config='../deeppcb/faster-rcnn_r18_efpn-h128_1500-iters_deeppcb-320.py',
            cfg_options=short),
        dict(
            name='PointwiseFTT',
            config='../deeppcb/faster-rcnn_r18_efpn-pointwise_1500-iters_deeppcb-320.py',
            cfg_options=short),
        dict(name='FTT h 64', config=efpn, cfg_options=short),
        dict(name='FTT h 64, stem', config=efpn, cfg_options={
            'model.backbone.c2_prime': 'stem', **short}),
        dict(name='light', config=light, cfg_options=short),
        dict(name='light, first block', config=light, cfg_options={**first_block, **short}),
        dict(name='light, first block, large FTT', config=light, cfg_options={
            'model.neck.ftt': dict(
                hidden_channels=128, kernel_size=7, content_blocks=2, texture_blocks=2),
            **first_block, **short}),
        dict(name='light, quiet start', config=light, cfg_options={
            'model.neck.ftt.initial_residual': 0.01, **short}),
        dict(name='light, PointwiseFTT', config=light, cfg_options={
            'model.neck.ftt.type': 'PointwiseFTT', **short}),
        dict(name='light, 3x3', config=light, cfg_options={
            'model.neck.extension_cfg.separable': False, **short}),
        dict(name='light, 64 wide', config=light, cfg_options={
            'model.neck.extension_cfg.channels': 64, **short}),
        dict(name='light, on RoIs', config=light, cfg_options={
            'model.neck.extension_cfg': dict(on_rois=True, separable=False), **short}),
    ])
