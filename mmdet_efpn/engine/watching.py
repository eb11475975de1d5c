"""Where a training can be watched: MMEngine's backends for TensorBoard and Weights & Biases."""

from mmengine.config import Config

from ..utils.optional_packages import import_optional

BACKENDS = {
    '--tensorboard': ('tensorboard', 'TensorboardVisBackend'),
    '--wandb': ('wandb', 'WandbVisBackend'),
}
EXTRA = 'watch'


def watch_training(
    cfg: Config, tensorboard: bool = False, wandb: bool = False, num_pictures: int = 8
) -> str:
    """Sends what a training logs, and pictures of its validation, to MMEngine's backends too.

    They get all that ``scalars.json`` gets: losses, the share of RoIs on P2', AP by size. At each
    validation the same pictures are drawn, the first of the set.

    Args:
        cfg: The run's config; changed in place. Backends that it has stay.
        tensorboard: For TensorBoard: event files in ``TIME/vis_data`` of the work folder.
        wandb: For Weights & Biases, which needs its own login, or ``WANDB_MODE=offline``.
        num_pictures: Pictures at each validation; 0: none. Default 8.

    Returns:
        str: One line that says where to look.

    Raises:
        MissingPackageError: The backend's package is not installed; the message names the extra.
    """
    chosen = [option for option, on in (('--tensorboard', tensorboard), ('--wandb', wandb)) if on]
    visualizer = dict(type='DetLocalVisualizer', name='visualizer') | (cfg.get('visualizer') or {})
    backends = [*(visualizer.get('vis_backends') or [dict(type='LocalVisBackend')])]
    for option in chosen:
        package, backend = BACKENDS[option]
        import_optional(package, EXTRA, option)
        if not any(_kind(one) == backend for one in backends):
            backends.append(dict(type=backend))
    cfg.visualizer = dict(visualizer, vis_backends=backends)
    if (cfg.get('train_cfg') or {}).get('max_iters'):
        # else all figures of validations come at step 0, the epoch
        hooks = cfg.get('default_hooks') or {}
        logger = dict(type='LoggerHook') | (hooks.get('logger') or {}) | dict(log_metric_by_epoch=False)
        cfg.default_hooks = dict(hooks, logger=logger)
    if num_pictures:
        own = [*(cfg.get('custom_hooks') or [])]
        if not any(hook.get('type') == 'ValidationPictures' for hook in own):
            own.append(dict(type='ValidationPictures', num=num_pictures))
        cfg.custom_hooks = own
    said = []
    if tensorboard:
        said.append(f'tensorboard --logdir {cfg.get("work_dir") or "WORK_DIR"}')
    if wandb:
        said.append('the address that wandb prints')
    return f'{" ".join(chosen)}: look by {", and by ".join(said)}'


def _kind(backend: dict) -> str:
    kind = backend['type']
    return kind if isinstance(kind, str) else kind.__name__
