"""Three stages of 1500 iterations together: a Faster R-CNN with FPN, its extension, its second head."""

first = 1000
recipe = dict(
    stages=[
        dict(
            name='detector',
            config='../../../configs/deeppcb/faster-rcnn_r50_fpn_1500-iters_deeppcb-320.py',
            cfg_options={'train_cfg.max_iters': first, 'param_scheduler.1.end': first},
        ),
        dict(
            name='distillation',
            config='faster-rcnn_r50_efpn-distill_300-iters_deeppcb-320.py',
        ),
        dict(name='box head', config='faster-rcnn_r50_efpn-head_200-iters_deeppcb-320.py'),
    ]
)
