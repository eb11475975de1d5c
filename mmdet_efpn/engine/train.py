"""Training from the command line; ``tools/train.py`` calls :func:`main`."""

import argparse
import sys

import torch.distributed as dist
from mmengine.registry import RUNNERS
from mmengine.runner import Runner

from .evaluate_when_done import EvaluateWhenDone
from .launch import start_processes
from .run_options import (
    RunOptionError,
    add_run_arguments,
    load_run_config,
    require_annotations,
    require_checkpoint,
    scale_learning_rate,
    set_resume,
    use_mixed_precision,
)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line; MMDetection's names and meanings."""
    parser = argparse.ArgumentParser(prog='train.py', description='Train a detector.')
    parser.add_argument('config', help='path of the config file')
    parser.add_argument(
        '--amp', action='store_true', help='mixed precision: float16 on GPUs, bfloat16 on the CPU'
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate by real over base batch size',
    )
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='continue from CHECKPOINT; without a value, from the last one in the work folder',
    )
    add_run_arguments(parser)
    return parser.parse_args(argv)


def build_config(args: argparse.Namespace):
    """The config of the training run that ``args`` ask for.

    Raises:
        RunOptionError: An option can't be used, or a file is missing.
    """
    cfg = load_run_config(args)
    if args.amp:
        use_mixed_precision(cfg)
    if args.auto_scale_lr:
        scale_learning_rate(cfg)
    if args.resume is not None:
        print(set_resume(cfg, args.resume), flush=True)
    elif cfg.get('load_from'):
        require_checkpoint(cfg.load_from, 'load_from')
    require_annotations(cfg, ('train', 'val') if cfg.get('val_cfg') else ('train',))
    return cfg


def main(argv: list[str] | None = None) -> None:
    """Trains as the command line says.

    A wrong option or a missing file ends it with one line on stderr and exit status 2.
    """
    args = parse_args(argv)
    try:
        cfg = build_config(args)
        start_processes(cfg, args.launcher)
    except (RunOptionError, ValueError) as error:
        print(f'train.py: error: {error}', file=sys.stderr)
        raise SystemExit(2) from None
    runner = RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
    runner.register_hook(EvaluateWhenDone())
    runner.train()
    if dist.is_initialized():
        dist.destroy_process_group()
