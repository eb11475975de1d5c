"""Whole schedules of one length by the clock, where an iteration of light takes 1.4 times FPN's."""
recipe = dict(
    independent=True,
    stages=[
        dict(
            name='light, 1500 iterations',
            config='../deeppcb/faster-rcnn_r18_efpn-light_1500-iters_deeppcb-320.py'),
        dict(
            name='FPN, 2100 iterations',
            config='../deeppcb/faster-rcnn_r18_fpn_1500-iters_deeppcb-320.py',
            cfg_options={'train_cfg.max_iters': 2100, 'train_cfg.val_interval': 700,
                         'param_scheduler.1.end': 2100})
    ])
