"""The command line of ``tools/extend_config.py``."""

import argparse
import sys

from mmengine.config import DictAction

from .config import LEVELS
from .config_text import write_extended_config


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog='extend_config.py',
        description='Write a config that inherits CONFIG and gives its detector the extended pyramid '
        "level P2'; says what it changed and why.",
    )
    parser.add_argument(
        'config',
        metavar='CONFIG',
        help='config file, or package::path such as mmdet::retinanet/retinanet_r50_fpn_1x_coco.py',
    )
    parser.add_argument('out', metavar='OUT.py', help='the config file to write')
    parser.add_argument(
        '--ftt',
        metavar='NAME',
        help='FTT module: LightFTT (default), FTT (dear unless '
        '--ftt-options hidden_channels=... is under its 512), PointwiseFTT, SwinFTT, '
        'HATFTT or a registered one of your own',
    )
    parser.add_argument(
        '--ftt-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='arguments of the FTT module, such as hidden_channels=64',
    )
    parser.add_argument(
        '--c2-prime',
        choices=('shared', 'stem'),
        help="where a ResNet or ResNeXt takes C2' from: its stem (default) or its stage 2 a second time",
    )
    parser.add_argument(
        '--levels',
        choices=LEVELS,
        help="all: P2' and all levels from stride 4 on "
        "(default, but where a transformer attends to them); p3_prime: P3' in the "
        'place of P2, finest stride 4',
    )
    parser.add_argument(
        '--full-conv',
        action='store_true',
        help="make P2' by a 3x3 conv, as the "
        'released model, instead of a depthwise and a 1x1 conv on a narrower sum',
    )
    parser.add_argument(
        '--shared-bbox-head',
        action='store_true',
        help="one box head for all levels, instead of a second one for P2'",
    )
    parser.add_argument('--rpn-on-p2-prime', action='store_true', help="propose on P2' too")
    parser.add_argument('--overwrite', action='store_true', help='replace OUT.py if it exists')
    args = parser.parse_args(argv)
    if args.ftt_options and not args.ftt:
        args.ftt = 'LightFTT'
    return args


def main(argv: list[str] | None = None) -> None:
    """Writes the config and prints the report; ends with one line and exit status 2 on an error."""
    args = parse_args(argv)
    ftt = dict(type=args.ftt, **(args.ftt_options or {})) if args.ftt else None
    try:
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
        )
    except (ValueError, OSError, ImportError) as error:
        print(f'extend_config.py: error: {error}', file=sys.stderr)
        raise SystemExit(2) from None
    print(report)
    print(f'written: {args.out}')
