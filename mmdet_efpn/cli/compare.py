"""Tell whether two detectors differ by more than the choice of test images explains.

The test images are drawn anew many times, with replacement, and both detectors are evaluated on each
draw (paired bootstrap). Another training seed gives another detector: that is not covered.
"""

import argparse
import sys

from .options import positive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``mmdet-efpn compare``."""
    parser.add_argument('config', help='config whose test set the predictions are of')
    parser.add_argument('first', help='predictions of the first detector (mmdet-efpn test --out)')
    parser.add_argument('second', help='predictions of the second')
    parser.add_argument(
        '--draws', type=positive, default=200, help='draws of the test images (default: %(default)s)'
    )
    parser.add_argument('--seed', type=int, default=0, help='seed of the draws (default: %(default)s)')


def run(args: argparse.Namespace) -> None:
    """Prints the comparison."""
    from ..evaluation import numbers_of_detections
    from ..evaluation import paired_bootstrap as bootstrap
    from ..utils.read_config import read_config

    cfg = read_config(args.config)
    detectors = bootstrap.read_detectors(cfg, args.first, args.second)
    numbers = numbers_of_detections(cfg)
    if warning := numbers.warning():
        print(f'warning: {warning}', file=sys.stderr)
    print(
        f'{detectors[0].num_images} images, {args.draws} draws, '
        f'up to {numbers.compared} detections a picture and class'
    )
    print(bootstrap.table(bootstrap.compare(*detectors, args.draws, args.seed)))
