"""Draw the annotations of a data set.

Below each image its smallest objects are magnified. Look at this picture before you train.
"""

import argparse

from .options import add_overwrite, positive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``mmdet-efpn browse``."""
    parser.add_argument('source', help='a config, or a COCO annotation file (.json)')
    parser.add_argument('images', nargs='?', help='image folder, if SOURCE is an annotation file')
    parser.add_argument(
        '--split',
        default='train',
        choices=('train', 'val', 'test'),
        help='which data set of a config (default: %(default)s)',
    )
    parser.add_argument(
        '--out',
        metavar='FILE.png',
        default='annotations.png',
        help='picture to write (default: %(default)s)',
    )
    parser.add_argument('--num', type=positive, default=16, help='images to show (default: %(default)s)')
    parser.add_argument(
        '--columns', type=positive, default=4, help='images in a row (default: %(default)s)'
    )
    add_overwrite(parser, 'FILE.png')


def run(args: argparse.Namespace) -> None:
    """Draws the picture."""
    from ..utils.errors import UserError
    from ..utils.outputs import refuse_existing
    from ..visualization import annotation_grid, dataset_from_annotations, dataset_from_config, write_png

    if args.source.endswith('.json') != (args.images is not None):
        raise UserError('give either a config alone, or an annotation file (.json) and its image folder')
    refuse_existing(args.out, args.overwrite)
    if args.images:
        dataset = dataset_from_annotations(args.source, args.images)
    else:
        dataset = dataset_from_config(args.source, args.split)
    picture = annotation_grid(dataset, args.num, args.columns)
    write_png(picture, args.out)
    print(f'written: {args.out}, {picture.shape[1]}x{picture.shape[0]} pixels')
