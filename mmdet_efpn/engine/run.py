"""Runs of a config: training and testing, from the start of its processes to their end."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import torch.distributed as dist
from mmdet.evaluation import DumpDetResults
from mmengine.config import Config
from mmengine.registry import RUNNERS
from mmengine.runner import Runner

from ..checkpoints import require_checkpoint, require_fitting_weights
from ..utils.outputs import refuse_existing
from .downloads import explained_downloads
from .evaluate_when_done import EvaluateWhenDone
from .honour_ignored import HonourIgnored
from .launch import start_processes


def train(cfg: Config, launcher: str = 'none') -> None:
    """Trains a config's detector; a resumed run with nothing left to train is evaluated.

    Args:
        cfg: The run's config, options applied; changed in place.
        launcher: One of ``none``, ``pytorch``, ``slurm``, ``mpi``.

    Raises:
        UserError: The launcher's variables are missing, or pretrained weights cannot be downloaded.
    """
    with _started(cfg, launcher) as runner:
        runner.register_hook(EvaluateWhenDone())
        runner.train()


def evaluate(
    cfg: Config,
    checkpoint: str,
    out: str | Path | None = None,
    overwrite: bool = False,
    launcher: str = 'none',
) -> dict:
    """Tests a config's detector with the weights of a checkpoint.

    Args:
        cfg: The run's config, options applied; changed in place.
        checkpoint: Path or address of the trained weights.
        out: File for all predictions, ``.pkl`` or ``.pickle``.
        overwrite: Replace ``out`` if it exists.
        launcher: One of ``none``, ``pytorch``, ``slurm``, ``mpi``.

    Returns:
        dict: The figures of the config's metrics.

    Raises:
        UserError: The checkpoint is missing or lacks weights of the model, or ``out`` exists.
    """
    require_checkpoint(checkpoint)
    if out is not None:
        refuse_existing(out, overwrite)
    cfg.load_from, cfg.resume = checkpoint, False
    with _started(cfg, launcher) as runner:
        require_fitting_weights(runner.model, checkpoint)
        if out is not None:
            runner.test_evaluator.metrics.append(DumpDetResults(out_file_path=str(out)))
        return runner.test()


@contextlib.contextmanager
def _started(cfg: Config, launcher: str) -> Iterator[Runner]:
    """The runner of a config, its processes joined before and let go after it."""
    start_processes(cfg, launcher)
    with explained_downloads(cfg):
        runner = RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
        runner.register_hook(HonourIgnored())
        yield runner
    if dist.is_initialized():
        dist.destroy_process_group()
