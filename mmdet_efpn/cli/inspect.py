r"""Tell before a training whether P2' is for your data, at which scale and with which anchors.

Example:
  mmdet-efpn inspect configs/hit-uav/faster-rcnn_r18_fpn_1000-iters_hit-uav-320.py
  mmdet-efpn inspect annotations/train.json images/ --scale 1333x800

A config is inspected with its own detector, and beside a plain one with its extended twin; an annotation
file with the standard Faster R-CNN R-50 FPN. MMDetection's own assigners run on the boxes; pictures are
not decoded, but for the few that the page shows.
"""

import argparse

from .options import add_cfg_options, add_overwrite, image_size, positive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``mmdet-efpn inspect``."""
    parser.add_argument('source', help='a config, or a COCO annotation file (.json)')
    parser.add_argument(
        'images',
        nargs='?',
        help='image folder of an annotation file; without it the page has no pictures',
    )
    parser.add_argument(
        '--scale',
        type=image_size,
        metavar='LONGxSHORT',
        help='for an annotation file: longest long side and short side in pixels (default: 1333x800)',
    )
    parser.add_argument(
        '--samples',
        type=positive,
        default=5000,
        metavar='N',
        help='most pictures to look at, evenly spread (default: %(default)s)',
    )
    parser.add_argument(
        '--out',
        metavar='FILE.html',
        default='inspection.html',
        help='page to write (default: %(default)s)',
    )
    add_overwrite(parser, 'FILE.html')
    add_cfg_options(parser, "changes to a config, such as the data set's data_root")


def run(args: argparse.Namespace) -> None:
    """Prints the report and writes the page."""
    from pathlib import Path

    from tqdm import tqdm

    from .. import inspection
    from ..engine import apply_cfg_options
    from ..utils.atomic_file import write_text_atomically
    from ..utils.errors import UserError
    from ..utils.outputs import refuse_existing
    from ..utils.read_config import read_config

    refuse_existing(args.out, args.overwrite)
    if args.source.endswith('.json'):
        if args.cfg_options:
            raise UserError('--cfg-options change a config, and an annotation file was given')
        scale = args.scale or inspection.SCALE
        cfg = inspection.config_for_annotations(args.source, args.images, scale)
    else:
        if args.images or args.scale:
            raise UserError(
                'an image folder and --scale go with an annotation file (.json); a config has its own: '
                'change them by --cfg-options'
            )
        cfg = read_config(args.source)
        apply_cfg_options(cfg, args.cfg_options, args.source)

    def watch(title: str):
        return lambda items: tqdm(items, desc=title, unit='picture', leave=False)

    has_pictures = bool(args.images) or not args.source.endswith('.json')
    findings = inspection.inspect_config(cfg, args.source, args.samples, watch, has_pictures)
    print(inspection.text_report(findings))
    write_text_atomically(Path(args.out), inspection.html_page(findings))
    print(f'\nwritten: {args.out}')
