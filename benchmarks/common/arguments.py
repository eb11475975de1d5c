"""Arguments and footers of the benchmarks."""

import argparse
import json

import torch
from mmengine.config import DictAction

from mmdet_efpn.cli.options import add_measuring_arguments as add_package_arguments
from mmdet_efpn.evaluation.cost import precision
from mmdet_efpn.utils.atomic_file import write_text_atomically


def add_measuring_arguments(parser: argparse.ArgumentParser, repeats: int = 5) -> None:
    """Adds rounds, device, precision and a file of figures, as ``mmdet-efpn cost`` has them."""
    add_package_arguments(parser, repeats)
    parser.set_defaults(device='cuda' if torch.cuda.is_available() else 'cpu')


def add_options_argument(parser: argparse.ArgumentParser) -> None:
    """Adds ``--cfg-options`` of the commands that take configs as their arguments."""
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        default={},
        metavar='KEY=VALUE',
        help='changes to all configs',
    )


def finish(measured: str, args: argparse.Namespace, results: list[dict]) -> None:
    """Prints what was measured, and where; writes the figures to ``--json``."""
    threads = f'{torch.get_num_threads()} threads, ' if args.device == 'cpu' else ''
    print(
        f'\n{measured}, {args.device} ({threads}torch {torch.__version__}), {precision(args.amp)}, '
        f'medians; timed rounds: {args.repeats}'
    )
    if args.json is not None:
        write_text_atomically(args.json, json.dumps(results, indent=2) + '\n')
        print(f'written: {args.json}')
