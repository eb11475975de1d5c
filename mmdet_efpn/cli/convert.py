"""Convert a data set to COCO format, or make the built-in one.

OUT gets annotations/SPLIT.json and images/. Boxes and images that are left out or changed are counted by
reason, and the first ten of each are named. FORMAT auto looks which format SOURCE is in.
"""

import argparse

from .options import add_overwrite, positive

FORMATS = {
    'auto': 'finds the format of SOURCE out',
    'voc': 'Pascal VOC: Annotations/*.xml, JPEGImages/, ImageSets/Main/*.txt if there',
    'yolo': 'YOLO: data.yaml of Ultralytics, images/, labels/; SOURCE may be the YAML file',
    'labelme': 'LabelMe: one JSON file a picture',
    'cvat': 'CVAT for images 1.1: annotations.xml, images/',
    'openimages': 'Open Images: *-annotations-bbox.csv, class-descriptions*.csv, SPLIT/*.jpg',
    'coco': 'COCO: annotations/*.json, checked again; SOURCE may be one JSON file',
    'visdrone': 'VisDrone-DET: VisDrone2019-DET-SPLIT/ with images/ and annotations/',
    'aitod': 'AI-TOD v1, v2: aitod_SPLIT_v1.json or aitodv2_SPLIT.json, images/',
    'soda-d': 'SODA-D: Annotations/SPLIT.json, Images/',
    'soda-a': 'SODA-A: SPLIT/Annotations/*.json, SPLIT/Images/; upright boxes around its polygons',
    'dota': 'DOTA 1.0 to 2.0: SPLIT/labelTxt*/, SPLIT/images/; upright boxes around its rotated ones',
    'tinyperson': 'TinyPerson: annotations/tiny_set_SPLIT.json, train/, test/; corner files too',
    'tt100k': 'TT100K: annotations.json, train/, test/',
    'uavdt': 'UAVDT: UAV-benchmark-MOTD_v1.0/GT/*_gt_whole.txt, UAV-benchmark-M/VIDEO/',
    'hit-uav': 'HIT-UAV: normal_json/annotations/SPLIT.json, normal_json/SPLIT/',
    'deeppcb': 'DeepPCB: train.txt, val.txt (or trainval.txt, test.txt) and the folders they name',
    'synthetic-signs': 'makes the built-in road scenes with small signs; takes no SOURCE',
}
STOPS_ON_BAD_FILES = ('deeppcb', 'tt100k')
WITHOUT_CLASS_LIST = ('auto', 'voc', 'labelme', 'cvat', 'openimages')
ONE_JSON_A_SPLIT = ('auto', 'coco', 'aitod', 'soda-d', 'tinyperson', 'tt100k', 'hit-uav')


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
            _add_reader_arguments(one, name)
            _add_splitting_arguments(one)
            _add_tile_arguments(one)


def _add_source_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('source', metavar='SOURCE', help='folder of the data set as it was published')
    parser.add_argument('out', metavar='OUT', help='folder for annotations/ and images/')
    parser.add_argument('--splits', nargs='+', help='splits to convert (default: all that are there)')
    parser.add_argument(
        '--images',
        choices=('symlink', 'copy', 'none'),
        default='symlink',
        help='how OUT/images shows the images of SOURCE (default: %(default)s)',
    )
    add_overwrite(parser, 'each annotations/SPLIT.json')
    parser.add_argument(
        '--strict', action='store_true', help='anything left out or changed is an error, exit code 2'
    )
    parser.add_argument(
        '--headers-only',
        action='store_true',
        help="don't decode the images: faster, but misses truncated ones",
    )
    parser.add_argument(
        '--exif',
        choices=('shown', 'stored'),
        help='what boxes refer to where EXIF turns an image and the labels do not tell '
        '(default: such an image is left out)',
    )


def _add_reader_arguments(parser: argparse.ArgumentParser, name: str) -> None:
    parser.set_defaults(skip_bad=False, classes=None, annotation_file=None, one_based=False)
    if name in ('auto', *STOPS_ON_BAD_FILES):
        parser.add_argument(
            '--skip-bad',
            action='store_true',
            help='leave out images with a missing or damaged file, as other formats than '
            f'{" and ".join(STOPS_ON_BAD_FILES)} do',
        )
    if name in WITHOUT_CLASS_LIST:
        parser.add_argument(
            '--classes', nargs='+', metavar='NAME', help='class names and their order (default: sorted)'
        )
    if name in ONE_JSON_A_SPLIT:
        parser.add_argument(
            '--annotation-file',
            nargs='+',
            metavar='FILE',
            help='annotation files, relative to SOURCE (default: found by their names)',
        )
    if name in ('auto', 'voc'):
        parser.add_argument(
            '--one-based',
            action='store_true',
            help="pixels count from 1 and a box's last pixel belongs to it, as in PASCAL VOC itself",
        )


def _add_splitting_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--split',
        nargs='+',
        type=_share,
        metavar='NAME=SHARE',
        help='make new splits, such as train=0.8 val=0.2, whatever the splits were',
    )
    parser.add_argument(
        '--seed', type=int, default=0, help='decides which image goes where (default: %(default)s)'
    )


def _add_tile_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--tile', type=positive, metavar='PIXELS', help='cut images into tiles of this width and height'
    )
    parser.add_argument(
        '--overlap',
        type=float,
        default=0.2,
        help='share of a tile that its neighbour shows too (default: %(default)s)',
    )
    parser.add_argument(
        '--min-share',
        type=float,
        default=0.3,
        help='a box of which a tile shows a smaller share is ignored there (default: %(default)s)',
    )


def _share(text: str) -> tuple[str, float]:
    """``'val=0.2'`` as ('val', 0.2), as an argument's type."""
    name, _, share = text.partition('=')
    try:
        number = float(share)
    except ValueError:
        number = 0.0
    if not name.replace('-', '').replace('_', '').isalnum() or not 0 < number <= 1:
        raise argparse.ArgumentTypeError(f'a split is NAME=SHARE, such as val=0.2, not {text}')
    return name, number


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
    from ..datasets import converters

    if args.format == 'synthetic-signs':
        _make_synthetic_signs(args)
        return
    name = args.format
    if name == 'auto':
        name, seen = converters.recognise(args.source)
        print(f'{args.source} is read as {name}: {seen}')
    tiling = converters.Tiling(args.tile, args.overlap, args.min_share) if args.tile else None
    options = converters.ConvertOptions(
        converters.ReadOptions(args.splits, args.annotation_file, args.classes, args.one_based),
        images=args.images,
        strict=args.strict,
        skip_bad=args.skip_bad or name not in STOPS_ON_BAD_FILES,
        decode=not args.headers_only,
        overwrite=args.overwrite,
        exif=args.exif,
        shares=dict(args.split) if args.split else None,
        seed=args.seed,
        tiling=tiling,
    )
    for split, writer in converters.convert(name, args.source, args.out, options).items():
        print(f'written: {args.out}/annotations/{split}.json: {writer.summary()}')


def _make_synthetic_signs(args: argparse.Namespace) -> None:
    from ..datasets import synthetic

    print(f'making {args.num_train} + {args.num_val} scenes in {args.out} ...', flush=True)
    made = synthetic.make_synthetic_signs(args.out, args.num_train, args.num_val, args.size, args.seed)
    print(f'written: {args.out}' if made else f'{args.out} is there already, with the same arguments')
