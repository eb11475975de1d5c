"""MMDetection's default runtime with logs and checkpoints counted in iterations."""
_base_ = 'mmdet::_base_/default_runtime.py'

default_hooks = dict(
    logger=dict(interval=25, log_metric_by_epoch=False),
    checkpoint=dict(by_epoch=False, interval=500, max_keep_ckpts=1))
log_processor = dict(window_size=25, by_epoch=False)
randomness = dict(seed=0)
