"""Convert TT100K to COCO annotation files: ``tt100k.py SOURCE OUT``."""

import argparse
import sys

from mmdet_efpn.datasets.converters.tt100k import convert_tt100k


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Convert TT100K to COCO annotation files.')
    parser.add_argument('source', help='folder with annotations.json, train/, test/')
    parser.add_argument('out', help='folder for annotations/ and images/')
    parser.add_argument('--splits', nargs='+', default=['train', 'test'], help='default: train test')
    parser.add_argument(
        '--annotation-file',
        default='annotations.json',
        help='its name in SOURCE (default: %(default)s)',
    )
    parser.add_argument(
        '--images',
        choices=('symlink', 'copy', 'none'),
        default='symlink',
        help='how OUT/images shows the images of SOURCE (default: %(default)s)',
    )
    parser.add_argument(
        '--skip-bad', action='store_true', help='leave out images with a missing or damaged file'
    )
    parser.add_argument(
        '--headers-only',
        action='store_true',
        help="don't decode the images: faster, but misses truncated ones",
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    try:
        writers = convert_tt100k(
            args.source,
            args.out,
            args.splits,
            args.annotation_file,
            args.images,
            args.skip_bad,
            decode=not args.headers_only,
        )
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    for split, writer in writers.items():
        print(f'{args.out}/annotations/{split}.json: {writer.summary()}')


if __name__ == '__main__':
    main()
