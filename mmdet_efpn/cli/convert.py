"""Convert a data set to COCO format, or make the built-in one.

OUT gets annotations/SPLIT.json and images/. Boxes and images that are left out are counted by reason.
"""

import argparse

from .options import add_overwrite, positive

FORMATS = {
    'deeppcb': 'DeepPCB: train.txt, val.txt (or trainval.txt, test.txt) and the folders they name',
    'tt100k': 'TT100K: annotations.json, train/, test/',
    'synthetic-signs': 'makes the built-in road scenes with small signs; takes no SOURCE',
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``mmdet-efpn convert``: one set for each format."""
    formats = parser.add_subparsers(dest='format', required=True, metavar='FORMAT')
    for name, text in FORMATS.items():
        one = formats.add_parser(name, help=text, description=text)
        # Here too, as a user adds it to the end of the line; the command's own parser has the default.
        one.add_argument(
            '--debug',
            action='store_true',
            default=argparse.SUPPRESS,
            help='show the traceback of an error',
        )
        if name == 'synthetic-signs':
            _add_synthetic_arguments(one)
        else:
            _add_source_arguments(one)
            if name == 'tt100k':
                _add_tt100k_arguments(one)


def _add_source_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('source', metavar='SOURCE', help='folder of the data set as it was published')
    parser.add_argument('out', metavar='OUT', help='folder for annotations/ and images/')
    parser.add_argument('--splits', nargs='+', help='lists to convert (default: all that are there)')
    parser.add_argument(
        '--images',
        choices=('symlink', 'copy', 'none'),
        default='symlink',
        help='how OUT/images shows the images of SOURCE (default: %(default)s)',
    )
    add_overwrite(parser, 'each annotations/SPLIT.json')
    parser.add_argument(
        '--skip-bad', action='store_true', help='leave out images with a missing or damaged file'
    )


def _add_tt100k_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(splits=['train', 'test'])
    parser.add_argument(
        '--annotation-file', default='annotations.json', help='its name in SOURCE (default: %(default)s)'
    )
    parser.add_argument(
        '--headers-only',
        action='store_true',
        help="don't decode the images: faster, but misses truncated ones",
    )


def _add_synthetic_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('out', metavar='OUT', help='folder for annotations/ and images/')
    parser.add_argument(
        '--num-train', type=positive, default=400, help='training images (default: %(default)s)'
    )
    parser.add_argument(
        '--num-val', type=positive, default=100, help='validation images (default: %(default)s)'
    )
    parser.add_argument(
        '--size', type=positive, default=320, help='width and height in pixels (default: %(default)s)'
    )
    parser.add_argument(
        '--seed', type=int, default=0, help='same seed, same bytes (default: %(default)s)'
    )


def run(args: argparse.Namespace) -> None:
    """Converts, and prints what became of the boxes."""
    from ..datasets import converters, synthetic

    if args.format == 'synthetic-signs':
        print(f'making {args.num_train} + {args.num_val} scenes in {args.out} ...', flush=True)
        made = synthetic.make_synthetic_signs(
            args.out, args.num_train, args.num_val, args.size, args.seed
        )
        print(
            f'written: {args.out}' if made else f'{args.out} is there already, with the same arguments'
        )
        return
    if args.format == 'deeppcb':
        writers = converters.convert_deeppcb(
            args.source, args.out, args.splits, args.images, args.skip_bad, args.overwrite
        )
    else:
        writers = converters.convert_tt100k(
            args.source,
            args.out,
            args.splits,
            args.annotation_file,
            args.images,
            args.skip_bad,
            decode=not args.headers_only,
            overwrite=args.overwrite,
        )
    for split, writer in writers.items():
        print(f'written: {args.out}/annotations/{split}.json: {writer.summary()}')
