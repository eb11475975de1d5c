"""DeepPCB: FPN at five input scales against the light P2' at two, with three seeds, 600 iterations each.

Scale 1 is 320x320. The first seed of every design comes first.
"""

scales = {'FPN': (1, 1.25, 1.5, 1.75, 2), 'light': (1, 1.25)}
configs = {
    'FPN': '../../../configs/deeppcb/faster-rcnn_lite0-c4_fpn_1500-iters_deeppcb-320.py',
    'light': '../../../configs/deeppcb/faster-rcnn_lite0-c4_efpn-light_1500-iters_deeppcb-320.py',
}
stages = []
for seed in range(3):
    for design, config in configs.items():
        for scale in scales[design]:
            size = (int(320 * scale), int(320 * scale))
            stages.append(
                dict(
                    name=f'{design} @{scale:g}, seed {seed}',
                    config=config,
                    cfg_options={
                        'train_dataloader.dataset.pipeline.2.scale': size,
                        'val_dataloader.dataset.pipeline.1.scale': size,
                        'test_dataloader.dataset.pipeline.1.scale': size,
                        'train_cfg.max_iters': 600,
                        'train_cfg.val_interval': 600,
                        'param_scheduler.1.end': 600,
                        'randomness.seed': seed,
                    },
                )
            )
del seed, design, config, scale, size

recipe = dict(independent=True, stages=stages)
