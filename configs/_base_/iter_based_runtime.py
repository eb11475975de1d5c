"""MMDetection's default runtime with logs and checkpoints counted in iterations."""

_base_ = 'mmdet::_base_/default_runtime.py'

default_hooks = dict(
    logger=dict(interval=25, log_metric_by_epoch=False),
    # two, since MMEngine deletes before it saves: a run killed while saving can go on from the other
    checkpoint=dict(by_epoch=False, interval=500, max_keep_ckpts=2),
)
log_processor = dict(window_size=25, by_epoch=False)
randomness = dict(seed=0)
