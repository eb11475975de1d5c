"""Runs of a config: training and testing, from the start of its processes to their end."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import torch.distributed as dist
from mmengine.config import Config
from mmengine.dist import get_rank
from mmengine.logging import print_log
from mmengine.registry import RUNNERS
from mmengine.runner import Runner

from ..checkpoints import check_suffix, require_checkpoint, require_fitting_weights
from ..evaluation import WrittenPredictions
from ..utils.atomic_file import whole_or_not
from ..utils.errors import UserError
from ..utils.found_objects import limits_of_detections
from ..utils.outputs import refuse_existing
from .checks import check_class_order, check_head_classes, read_checked
from .downloads import explained_downloads
from .evaluation_options import replace_broken_metrics
from .hooks import (
    CleanCheckpoint,
    CountDetections,
    CountRoIs,
    EvaluateWhenDone,
    MendAnnotations,
    NoteCommand,
    TellTrainingData,
)
from .launch import start_processes
from .precision import UseChannelsLast, computes_in_bfloat16, readable_inputs


def train(cfg: Config, launcher: str = 'none') -> None:
    """Trains a config's detector; a resumed run with nothing left to train is evaluated.

    Args:
        cfg: The run's config, options applied; changed in place.
        launcher: One of ``none``, ``pytorch``, ``slurm``, ``mpi``.

    Raises:
        UserError: The launcher's variables are missing, a head has another number of classes than the
            data, or pretrained weights cannot be downloaded.
    """
    check_head_classes(cfg)
    check_class_order(cfg)
    with contextlib.ExitStack() as during:
        if computes_in_bfloat16(cfg) or cfg.get('channels_last'):
            during.enter_context(readable_inputs())
        runner = during.enter_context(_started(cfg, launcher))
        runner.register_hook(NoteCommand())
        runner.register_hook(CountRoIs())
        runner.register_hook(TellTrainingData())
        runner.register_hook(EvaluateWhenDone())
        if cfg.get('channels_last'):
            runner.register_hook(UseChannelsLast())
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
        out: File for all predictions: ``.json``, ``.npz``, or MMDetection's ``.pkl``.
        overwrite: Replace ``out`` if it exists.
        launcher: One of ``none``, ``pytorch``, ``slurm``, ``mpi``.

    Returns:
        dict: The figures of the config's metrics.

    Raises:
        UserError: The checkpoint is missing or lacks weights of the model, or ``out`` exists.
    """
    require_checkpoint(checkpoint)
    if out is not None:
        check_suffix(out)
        refuse_existing(out, overwrite)
    cfg.load_from, cfg.resume = checkpoint, False
    if not isinstance(cfg.get('test_dataloader'), dict):
        raise UserError(
            "test_dataloader must be one data loader, for MMEngine's test loop takes one; join the sets "
            "of a list by dataset=dict(type='ConcatDataset', datasets=[...])"
        )
    check_head_classes(cfg, ('test_dataloader',))
    limits = limits_of_detections(cfg.model)
    with _started(cfg, launcher) as runner:
        runner.register_hook(CountDetections(limits))
        require_fitting_weights(runner.model, checkpoint)
        if out is None:
            return runner.test()
        with whole_or_not(out) if get_rank() == 0 else contextlib.nullcontext(out) as file:
            runner.test_evaluator.metrics.append(WrittenPredictions(file))
            return runner.test()


@contextlib.contextmanager
def _started(cfg: Config, launcher: str) -> Iterator[Runner]:
    """The runner of a config, its processes joined before and let go after it."""
    start_processes(cfg, launcher)
    for change in replace_broken_metrics(cfg):
        print_log(change, logger='current')
    read_checked(cfg)
    with explained_downloads(cfg):
        runner = RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
        runner.register_hook(CleanCheckpoint())
        runner.register_hook(MendAnnotations())
        yield runner
    if dist.is_initialized():
        dist.destroy_process_group()
