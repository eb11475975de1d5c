"""From a config file and command-line options to one run's config, with early, clear errors."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmengine.config import Config

from ..checkpoints import (
    SavedCheckpoint,
    is_packed_name,
    last_checkpoint,
    read_checkpoint,
    read_packed,
    require_checkpoint,
)
from ..utils.errors import UserError
from ..utils.read_config import read_config
from .cfg_options import apply_cfg_options


def load_run_config(
    config: str | Path, cfg_options: Sequence[str] | Mapping = (), work_dir: str | None = None
) -> Config:
    """Reads a run's config and applies the options of its command line.

    Args:
        config: The config: its path, or ``package::path``; or a packed model.
        cfg_options: ``KEY=VALUE`` words, or a dict of dotted keys; see :func:`apply_cfg_options`.
        work_dir: The run's folder. Default: the config's ``work_dir``, else ``work_dirs/CONFIG_NAME``.

    Raises:
        UserError: The file doesn't exist or isn't a detector's config, or an option doesn't fit.
    """
    cfg = read_packed(config).config if is_packed_name(config) else read_config(config)
    if 'model' not in cfg:
        raise UserError(f'{config} is no detector config: it has no "model"')
    apply_cfg_options(cfg, cfg_options, str(config))
    if work_dir is not None:
        cfg.work_dir = str(work_dir)
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs') / Path(config).stem)
    return cfg


def scale_learning_rate(cfg: Config) -> None:
    """Switches on scaling of the learning rate by real over base batch size.

    Raises:
        UserError: The config gives no ``auto_scale_lr.base_batch_size``.
    """
    if not (cfg.get('auto_scale_lr') or {}).get('base_batch_size'):
        raise UserError('--auto-scale-lr needs auto_scale_lr.base_batch_size in the config')
    cfg.auto_scale_lr.enable = True


def set_resume(cfg: Config, resume: str) -> str:
    """Makes the run continue from a checkpoint, and returns one line that says from which.

    Args:
        cfg: The run's config; changed in place.
        resume: ``'auto'`` for the last whole checkpoint of ``cfg.work_dir``, or a checkpoint's path.
            Where ``auto`` finds none, the run starts as the config says, ``load_from`` included.

    Raises:
        MissingFileError: The named checkpoint doesn't exist.
        DamagedFileError: It cannot be read.
        UserError: All checkpoints in the folder are damaged.
    """
    found = last_checkpoint(cfg.work_dir) if resume == 'auto' else SavedCheckpoint(resume)
    if found.path is None:
        return f'--resume: no checkpoint in {cfg.work_dir} yet, starting from the beginning'
    if resume != 'auto':
        require_checkpoint(found.path, '--resume')
        read_checkpoint(found.path)
    cfg.resume = True
    cfg.load_from = found.path
    return f'--resume: continuing from {found.path}' + (f' ({found.skipped})' if found.damaged else '')


def require_annotations(cfg: Config, stages: tuple) -> None:
    """Checks that every local annotation file which a run will open exists.

    Args:
        cfg: The run's config.
        stages: Which of ``'train'``, ``'val'``, ``'test'`` the run goes through.

    Raises:
        UserError: Names the config keys and paths of all missing files.
    """
    missing = []
    for stage in stages:
        for key in (f'{stage}_dataloader', f'{stage}_evaluator'):
            missing += [
                f'{where} = {path}'
                for where, path in _annotation_files(cfg.get(key), key)
                if not Path(path).exists()
            ]
    if missing:
        raise UserError(
            f'annotation file not found (looked from {Path.cwd()}): {"; ".join(missing)}. '
            'Prepare the data set, or correct its place in the config file'
        )


def _annotation_files(node, key: str):
    """Yields (config key, path) of each local annotation file that a config's part names."""
    if isinstance(node, (list, tuple)):
        for index, item in enumerate(node):
            yield from _annotation_files(item, f'{key}[{index}]')
    elif isinstance(node, dict):
        path = node.get('ann_file')
        remote = (node.get('backend_args') or {}).get('backend', 'local') != 'local'
        if isinstance(path, str) and path and '://' not in path and not remote:
            root = node.get('data_root') or ''
            if '://' not in root:
                yield f'{key}.ann_file', os.path.join(root, path)
        for name in ('dataset', 'datasets', 'metrics'):
            yield from _annotation_files(node.get(name), f'{key}.{name}')
