"""Designs of the extended level, each trained for the first 500 of 1500 iterations."""
efpn = '../deeppcb/faster-rcnn_r18_efpn_1500-iters_deeppcb-320.py'
light = '../deeppcb/faster-rcnn_r18_efpn-light_1500-iters_deeppcb-320.py'
short = {'train_cfg.max_iters': 500}
first_block = {'model.backbone.c2_prime_blocks': 1}
stem = {'model.backbone.c2_prime': 'stem'}  # C1 is as wide as C2 in a ResNet-18
separable = {'model.neck.extension_cfg': dict(separable=True)}

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
        dict(name='h 128', config=efpn, cfg_options={
            'model.neck.ftt.hidden_channels': 128, **short}),
        dict(name='h 64', config=efpn, cfg_options=short),
        dict(name='h 32', config=efpn, cfg_options={
            'model.neck.ftt.hidden_channels': 32, **short}),
        dict(name='h 64, first block', config=efpn, cfg_options={**first_block, **short}),
        dict(name='h 64, stem', config=efpn, cfg_options={**stem, **short}),
        dict(name='h 64, separable', config=efpn, cfg_options={**separable, **short}),
        dict(name='light', config=light, cfg_options=short),
        dict(name='light, whole stage', config=light, cfg_options={
            'model.backbone.c2_prime_blocks': 2, **short}),
        dict(name='light, stem', config=light, cfg_options={
            'model.backbone.c2_prime_blocks': None, **stem, **short}),
        dict(name='light, 3x3', config=light, cfg_options={
            'model.neck.extension_cfg.separable': False, **short}),
        dict(name='light, 64 wide', config=light, cfg_options={
            'model.neck.extension_cfg.channels': 64, **short}),
        dict(name='light, quiet start', config=light, cfg_options={
            'model.neck.ftt.initial_residual': 0.01, **short}),
    ])
