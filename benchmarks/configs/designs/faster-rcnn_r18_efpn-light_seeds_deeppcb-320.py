"""The light design, FTT of h = 128 and FPN with three seeds; FPN also for as long by the clock.

The first 500 of 1500 iterations; FPN to 700, evaluated at 500, 600 and 700, as long by the clock as 500
of a design that takes 1.4 times as long. The table of results shows each run's last evaluation, FPN's at
700; the one at 500 is in its log.
"""

stages = []
for seed in range(3):
    stages.append(
        dict(
            name=f'FPN, seed {seed}',
            config='../../../configs/deeppcb/faster-rcnn_r18_fpn_1500-iters_deeppcb-320.py',
            cfg_options={
                'train_cfg.max_iters': 700,
                'train_cfg.val_begin': 500,
                'train_cfg.val_interval': 100,
                'randomness.seed': seed,
            },
        )
    )
    stages.append(
        dict(
            name=f'FTT h 128, seed {seed}',
            config='../deeppcb/faster-rcnn_r18_efpn-h128_1500-iters_deeppcb-320.py',
            cfg_options={'train_cfg.max_iters': 500, 'randomness.seed': seed},
        )
    )
    stages.append(
        dict(
            name=f'light, seed {seed}',
            config='../../../configs/deeppcb/faster-rcnn_r18_efpn-light_1500-iters_deeppcb-320.py',
            cfg_options={'train_cfg.max_iters': 500, 'randomness.seed': seed},
        )
    )
del seed

recipe = dict(independent=True, stages=stages)
