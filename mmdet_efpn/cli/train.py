"""Train a detector.

The arguments have MMDetection's names and meanings. The run's log, checkpoints and the config as it ran
lie in the work folder; --resume goes on after an interruption.
"""

import argparse
import os
import sys

from ..utils.amp_types import AMP_TYPES, AUTO
from .options import add_run_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``mmdet-efpn train``."""
    parser.add_argument('config', help='config file, or package::path such as mmdet_efpn::coco/NAME.py')
    parser.add_argument(
        '--amp',
        nargs='?',
        const=AUTO,
        choices=(AUTO, *AMP_TYPES),
        help='mixed precision; float16 scales the loss, on GPUs alone; bfloat16 leaves boxes, losses '
        "and mmcv operators in float32; without a value: the config's optim_wrapper.dtype, else float16 "
        'on GPUs and bfloat16 on the CPU',
    )
    parser.add_argument(
        '--tf32',
        action='store_true',
        help='float32 matrix products and convs on GPUs multiply with 11 significant bits (TF32): '
        'faster, less exact; no effect on the CPU',
    )
    parser.add_argument(
        '--channels-last',
        action='store_true',
        help='keep maps and weights of convs with their channels last in memory, which convs in 16-bit '
        'types prefer on GPUs; the numbers are the same to rounding',
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
    parser.add_argument(
        '--overwrite',
        action='store_true',
        help='train anew in a work folder that holds checkpoints of an earlier run',
    )
    parser.add_argument(
        '--from-scratch',
        action='store_true',
        help='train from random weights: no pretrained weights, no frozen stages, norms that train',
    )
    parser.add_argument(
        '--tensorboard',
        action='store_true',
        help='also log to TensorBoard, with the same validation pictures each time (extra [watch])',
    )
    parser.add_argument(
        '--wandb', action='store_true', help='also log to Weights & Biases, likewise (extra [watch])'
    )
    add_run_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Trains as the arguments say."""
    from .. import engine
    from ..checkpoints import require_checkpoint, saved_checkpoints
    from ..utils.errors import UserError

    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = engine.load_run_config(args.config, args.cfg_options, args.work_dir)
    if args.from_scratch:
        if args.resume is not None:
            raise UserError('--from-scratch and --resume contradict each other: leave one out')
        print('--from-scratch:', *engine.train_from_scratch(cfg), sep='\n  ', flush=True)
    if args.amp:
        print(engine.use_mixed_precision(cfg, args.amp), flush=True)
    if args.tf32:
        print(engine.use_tf32(), flush=True)
    if args.channels_last:
        print(engine.use_channels_last(cfg), flush=True)
    if args.tensorboard or args.wandb:
        print(engine.watch_training(cfg, args.tensorboard, args.wandb), flush=True)
    if args.auto_scale_lr:
        engine.scale_learning_rate(cfg)
    found = saved_checkpoints(cfg.work_dir)
    if found and args.resume is None and not args.overwrite:
        raise UserError(
            f'{cfg.work_dir} holds checkpoints of an earlier run ({found[0]}): --resume goes on with '
            'it, --overwrite trains anew over it, another --work-dir keeps both'
        )
    if args.resume is not None:
        print(engine.set_resume(cfg, args.resume), flush=True)
    elif cfg.get('load_from'):
        require_checkpoint(cfg.load_from, 'load_from')
    for key, effect in engine.frozen_random_parts(cfg).items():
        print(
            f'warning: {key} {effect}: nothing loads weights into them; --from-scratch trains them',
            file=sys.stderr,
        )
    engine.require_annotations(cfg, ('train', 'val') if cfg.get('val_cfg') else ('train',))
    engine.train(cfg, args.launcher)
