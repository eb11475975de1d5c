"""Make the built-in data set: ``python tools/dataset_converters/synthetic_signs.py OUT``."""

import argparse
import sys
import time

from mmdet_efpn.datasets.synthetic.dataset import make_synthetic_signs


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Make synthetic road scenes with small signs, in COCO format.'
    )
    parser.add_argument('out', help='folder for annotations/ and images/')
    parser.add_argument(
        '--num-train', type=int, default=400, help='training images (default: %(default)s)'
    )
    parser.add_argument(
        '--num-val', type=int, default=100, help='validation images (default: %(default)s)'
    )
    parser.add_argument(
        '--size', type=int, default=320, help='width and height in pixels (default: %(default)s)'
    )
    parser.add_argument(
        '--seed', type=int, default=0, help='same seed, same bytes (default: %(default)s)'
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    print(f'making {args.num_train} + {args.num_val} scenes in {args.out} ...', flush=True)
    start = time.perf_counter()
    try:
        made = make_synthetic_signs(args.out, args.num_train, args.num_val, args.size, args.seed)
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    print(
        f'made in {time.perf_counter() - start:.0f} s'
        if made
        else 'there already, with the same arguments'
    )


if __name__ == '__main__':
    main()
