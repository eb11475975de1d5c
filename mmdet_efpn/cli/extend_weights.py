"""Rewrite a plain detector's checkpoint for its extended config.

Where a neck or head keeps parts level by level, as one-stage detectors do, the extended detector has new
levels in front. Each part moves to the index that its level has now.
"""

import argparse

from .options import add_overwrite


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``mmdet-efpn extend-weights``."""
    parser.add_argument('checkpoint', help='checkpoint of the plain detector')
    parser.add_argument('config', help='config of the extended detector, as mmdet-efpn extend wrote it')
    parser.add_argument('out', metavar='OUT.pth', help='checkpoint to write; name it in load_from')
    add_overwrite(parser, 'OUT.pth')


def run(args: argparse.Namespace) -> None:
    """Writes the checkpoint and says which weights it leaves as they are initialised."""
    import logging

    from ..checkpoints import extend_weights
    from ..utils.outputs import refuse_existing

    refuse_existing(args.out, args.overwrite)
    logging.disable(logging.INFO)  # MMEngine lists how every weight is initialised
    missing = extend_weights(args.checkpoint, args.config, args.out)
    print('stay as they are initialised:', *missing, sep='\n  ')
    print(f'written: {args.out}')
