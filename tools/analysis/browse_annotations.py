"""Picture of a data set's annotations: ``browse_annotations.py CONFIG`` or ``ANN_JSON IMG_DIR``."""

import argparse
import sys
from pathlib import Path

from PIL import Image

import mmdet_efpn  # noqa: F401  (registers the data sets)
from mmdet_efpn.visualization.annotations import (
    annotation_grid,
    dataset_from_annotations,
    dataset_from_config,
)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Draw a data set's annotations into one PNG.")
    parser.add_argument('source', help='a config, or a COCO annotation file (.json)')
    parser.add_argument('images', nargs='?', help='image folder, if SOURCE is an annotation file')
    parser.add_argument('--split', default='train', choices=('train', 'val', 'test'), help='of a config')
    parser.add_argument('--out', default='annotations.png', help='default: %(default)s')
    parser.add_argument('--num', type=int, default=16, help='images to show (default: %(default)s)')
    parser.add_argument('--columns', type=int, default=4, help='default: %(default)s')
    args = parser.parse_args()
    if (Path(args.source).suffix == '.json') != (args.images is not None):
        parser.error('give either a config alone, or an annotation file (.json) and its image folder')
    return args


def main() -> None:
    args = parse_args()
    try:
        if args.images:
            dataset = dataset_from_annotations(args.source, args.images)
        else:
            dataset = dataset_from_config(args.source, args.split)
        picture = annotation_grid(dataset, args.num, args.columns)
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    Path(args.out).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(args.out)
    print(f'{args.out}: {picture.shape[1]}x{picture.shape[0]} pixels')


if __name__ == '__main__':
    main()
