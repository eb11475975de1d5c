"""The light design with a sum of half and of a quarter of the pyramid's width: does accuracy pay?

Seed 0 trains its whole schedule, seeds 1 and 2 the first 600 of 1500 iterations. Every run is evaluated
at 600, so that three seeds are compared there.
"""

stages = []
for seed, iterations in ((0, 1500), (1, 600), (2, 600)):
    for part, channels in (('half', 64), ('quarter', 32)):
        stages.append(
            dict(
                name=f'{part} the width, seed {seed}',
                config='../../../configs/deeppcb/faster-rcnn_r18_efpn-light_1500-iters_deeppcb-320.py',
                cfg_options={
                    'model.neck.extension_cfg.channels': channels,
                    'train_cfg.max_iters': iterations,
                    'train_cfg.val_begin': 600,
                    'train_cfg.val_interval': 300,
                    'randomness.seed': seed,
                },
            )
        )
del seed, iterations, part, channels

recipe = dict(independent=True, stages=stages)
