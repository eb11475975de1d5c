"""Test a trained detector on its config's test set.

The arguments have MMDetection's names and meanings. A checkpoint that lacks weights of the config's
model is an error.
"""

import argparse
import os
import sys

from .options import add_overwrite, add_run_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``mmdet-efpn test``."""
    parser.add_argument('config', help='config file, or package::path')
    parser.add_argument('checkpoint', help='path or address of the trained weights')
    parser.add_argument(
        '--out',
        metavar='FILE',
        help="write all predictions to this file: .json or .npz for any program, .pkl is MMDetection's",
    )
    add_overwrite(parser, 'FILE')
    parser.add_argument('--show', action='store_true', help='show each picture in a window')
    parser.add_argument(
        '--show-dir', metavar='NAME', help='write each picture to WORK_DIR/TIMESTAMP/NAME'
    )
    parser.add_argument(
        '--wait-time',
        type=float,
        default=2,
        metavar='SECONDS',
        help='how long --show keeps a picture (default: 2)',
    )
    parser.add_argument(
        '--tta', action='store_true', help="test-time augmentation: the config's, else horizontal flip"
    )
    add_run_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Tests as the arguments say."""
    from mmengine.dist import get_rank

    from .. import engine
    from ..checkpoints import check_suffix, require_checkpoint
    from ..evaluation import numbers_of_detections

    if args.out is not None:
        check_suffix(args.out)
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = engine.load_run_config(args.config, args.cfg_options, args.work_dir)
    require_checkpoint(args.checkpoint)
    if args.show or args.show_dir:
        engine.draw_predictions(cfg, args.show, args.show_dir, args.wait_time)
    if args.tta:
        engine.augment_test(cfg)
    engine.require_annotations(cfg, ('test',))
    if warning := numbers_of_detections(cfg).warning():
        print(f'warning: {warning}', file=sys.stderr)
    is_first = int(os.environ.get('RANK', os.environ.get('SLURM_PROCID', get_rank()))) == 0
    engine.evaluate(cfg, args.checkpoint, args.out, args.overwrite, args.launcher)
    if args.out and is_first:
        print(f'written: {args.out}')
