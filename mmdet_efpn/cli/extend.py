"""Write a config whose detector has the stride-2 level P2'.

The new config inherits CONFIG and holds only what changes. The command says what it changed and why, and
what it left alone; or why the detector cannot have the level.
"""

import argparse

from .options import KeyValues, add_overwrite


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``mmdet-efpn extend``."""
    parser.add_argument(
        'config',
        metavar='CONFIG',
        help='config file, or package::path such as mmdet::retinanet/retinanet_r50_fpn_1x_coco.py',
    )
    parser.add_argument('out', metavar='OUT.py', help='the config file to write')
    parser.add_argument(
        '--ftt',
        metavar='NAME',
        help='FTT module: LightFTT (default), FTT (expensive unless --ftt-options hidden_channels=... '
        'is under its 512), PointwiseFTT, SwinFTT, HATFTT, or a registered one of yours',
    )
    parser.add_argument(
        '--ftt-options',
        nargs='+',
        action=KeyValues,
        metavar='KEY=VALUE',
        default=[],
        help='arguments of the FTT module, such as hidden_channels=64',
    )
    parser.add_argument(
        '--c2-prime',
        choices=('shared', 'stem'),
        help="where a ResNet or ResNeXt takes C2' from: its stem (default) or its stage 2 a second time",
    )
    parser.add_argument(
        '--levels',
        choices=('all', 'p3_prime'),
        help="all: P2' and all levels from stride 4 on (default, unless a transformer attends to the "
        "levels); p3_prime: P3' in the place of P2, so that the finest stride is 4",
    )
    parser.add_argument(
        '--full-conv',
        action='store_true',
        help="make P2' by a 3x3 conv, as the released model does, instead of a depthwise and a 1x1 conv "
        'on a narrower sum',
    )
    parser.add_argument(
        '--shared-bbox-head',
        action='store_true',
        help="one box head for all levels, instead of a second one for P2'",
    )
    parser.add_argument(
        '--rpn-on-p2-prime',
        action='store_true',
        default=None,
        help="propose on P2' too, as a detector that is an RPN alone does anyway",
    )
    parser.add_argument(
        '--assigner',
        choices=('nwd',),
        help='assign objects to anchors by another rule than IoU: nwd, the normalised Wasserstein '
        'distance, for tiny objects',
    )
    parser.add_argument(
        '--no-check',
        action='store_true',
        help='write the config without building and running its detector, and without its price',
    )
    add_overwrite(parser, 'OUT.py')


def run(args: argparse.Namespace) -> None:
    """Writes the config and prints the report."""
    from ..engine import parse_cfg_options
    from ..extend import write_extended_config

    ftt = None
    if args.ftt or args.ftt_options:
        ftt = dict(type=args.ftt or 'LightFTT', **parse_cfg_options(args.ftt_options))
    report = write_extended_config(
        args.config,
        args.out,
        args.overwrite,
        ftt=ftt,
        c2_prime=args.c2_prime,
        levels=args.levels,
        separable=False if args.full_conv else None,
        extended_bbox_head=not args.shared_bbox_head,
        rpn_on_p2_prime=args.rpn_on_p2_prime,
        assigner=args.assigner,
        check=not args.no_check,
    )
    print(report)
    print(f'written: {args.out}')
