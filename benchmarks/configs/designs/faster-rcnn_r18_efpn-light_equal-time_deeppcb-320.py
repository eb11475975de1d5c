"""Whole schedules of about one length by the clock.

An iteration of light takes 1.16 times FPN's in bfloat16 on two cores of a CPU and may take up to 1.4
times on others: FPN's schedules are that much longer.
"""

fpn = '../../../configs/deeppcb/faster-rcnn_r18_fpn_1500-iters_deeppcb-320.py'

recipe = dict(
    independent=True,
    stages=[
        dict(
            name='light, 1500 iterations',
            config='../../../configs/deeppcb/faster-rcnn_r18_efpn-light_1500-iters_deeppcb-320.py',
        ),
        dict(
            name='FPN, 1740 iterations',
            config=fpn,
            cfg_options={
                'train_cfg.max_iters': 1740,
                'train_cfg.val_interval': 580,
                'param_scheduler.1.end': 1740,
            },
        ),
        dict(
            name='FPN, 2100 iterations',
            config=fpn,
            cfg_options={
                'train_cfg.max_iters': 2100,
                'train_cfg.val_interval': 700,
                'param_scheduler.1.end': 2100,
            },
        ),
    ],
)
