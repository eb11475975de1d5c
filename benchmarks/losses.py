"""Draws the losses of several runs in one picture.

python -m benchmarks.losses NAME=WORK_DIR ... --out losses.png
"""

import argparse
import sys
from pathlib import Path

from mmdet_efpn.visualization import draw_curves


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description='Draw a logged value of several runs into one PNG.')
    parser.add_argument('runs', nargs='+', metavar='NAME=WORK_DIR')
    parser.add_argument('--key', default='loss', help='logged value (default: %(default)s)')
    parser.add_argument(
        '--window',
        type=int,
        default=9,
        help='logged values in the running mean, odd (default: %(default)s)',
    )
    parser.add_argument('--out', default='losses.png', help='default: %(default)s')
    args = parser.parse_args()
    unnamed = [run for run in args.runs if '=' not in run]
    if unnamed:
        parser.error(f'expected NAME=WORK_DIR, got {unnamed[0]}')
    return args


def main() -> None:
    """Draws the picture."""
    args = parse_args()
    try:
        figure = draw_curves(dict(run.rsplit('=', 1) for run in args.runs), args.key, args.window)
    except ValueError as error:
        sys.exit(f'error: {error}')
    Path(args.out).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(args.out)
    print(args.out)


if __name__ == '__main__':
    main()
