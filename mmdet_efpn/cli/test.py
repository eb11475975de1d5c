"""Test a trained detector on its config's test set.

The arguments have MMDetection's names and meanings. A checkpoint that lacks weights of the config's
model is an error. A packed model (mmdet-efpn pack) needs no config:

  mmdet-efpn test CONFIG CHECKPOINT
  mmdet-efpn test MODEL.pth
"""

import argparse
import os
import sys

from .options import add_overwrite, add_run_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``mmdet-efpn test``."""
    parser.add_argument(
        'config', help="config file, or package::path; or a packed model alone, or a model's name"
    )
    parser.add_argument('checkpoint', nargs='?', help='path or address of the trained weights')
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
    from ..checkpoints import check_suffix, is_packed_name, require_checkpoint
    from ..evaluation import numbers_of_detections
    from ..model_zoo import resolve_model
    from ..utils.errors import UserError

    if args.out is not None:
        check_suffix(args.out)
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    if args.checkpoint is None:
        args.config = resolve_model(args.config)
    if args.checkpoint is None and not is_packed_name(args.config):
        raise UserError(f'name the checkpoint, after the config {args.config}')
    checkpoint = args.checkpoint or args.config
    cfg = engine.load_run_config(args.config, args.cfg_options, args.work_dir)
    require_checkpoint(checkpoint)
    if args.show or args.show_dir:
        engine.draw_predictions(cfg, args.show, args.show_dir, args.wait_time)
    if args.tta:
        engine.augment_test(cfg)
    engine.require_annotations(cfg, ('test',))
    if warning := numbers_of_detections(cfg).warning():
        print(f'warning: {warning}', file=sys.stderr)
    is_first = int(os.environ.get('RANK', os.environ.get('SLURM_PROCID', get_rank()))) == 0
    engine.evaluate(cfg, checkpoint, args.out, args.overwrite, args.launcher)
    if args.out and is_first:
        print(f'written: {args.out}')
