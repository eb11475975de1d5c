"""Convert DeepPCB to COCO annotation files: ``deeppcb.py SOURCE OUT``."""

import argparse
import sys

from mmdet_efpn.datasets.converters.deeppcb import convert_deeppcb


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Convert DeepPCB to COCO annotation files.')
    parser.add_argument('source', help='folder with train.txt, val.txt (or trainval.txt, test.txt)')
    parser.add_argument('out', help='folder for annotations/ and images/')
    parser.add_argument('--splits', nargs='+', help='lists to convert (default: all that are there)')
    parser.add_argument(
        '--images',
        choices=('symlink', 'copy', 'none'),
        default='symlink',
        help='how OUT/images shows the images of SOURCE (default: %(default)s)',
    )
    parser.add_argument(
        '--skip-bad', action='store_true', help='leave out images with a missing or damaged file'
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    try:
        writers = convert_deeppcb(args.source, args.out, args.splits, args.images, args.skip_bad)
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    for split, writer in writers.items():
        print(f'{args.out}/annotations/{split}.json: {writer.summary()}')


if __name__ == '__main__':
    main()
