r"""Compare what detectors cost: parameters, multiply-adds, memory traffic, time and peak memory.

Example:
  mmdet-efpn cost mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py \
      mmdet_efpn::coco/faster-rcnn_r50_efpn-light_1x_coco.py --sizes 800x1344

Multiply-adds are for one image, all else for a batch. Traffic is what the operations read and write,
each by itself, counted without running them. Times are medians over rounds in which all configs take
turns, on a GPU between its own events.
"""

import argparse
from pathlib import Path

from .options import add_cfg_options, add_measuring_arguments, add_overwrite, add_sizes, positive

PARTS = ('backbone+neck', 'detector')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``mmdet-efpn cost``."""
    parser.add_argument(
        'configs',
        nargs='+',
        metavar='CONFIG[@OPTION]...',
        help='config file, or package::path; @2x scales the input, @KEY=VALUE changes the config',
    )
    add_sizes(parser, (800, 1344), 'input sizes')
    parser.add_argument(
        '--parts',
        choices=PARTS,
        default=PARTS[0],
        help='what is measured (default: %(default)s); detector: forward is its tensor mode, backward '
        'its training loss',
    )
    parser.add_argument(
        '--batch-size',
        type=positive,
        default=1,
        help='images at once for traffic, times and memory (default: %(default)s)',
    )
    parser.add_argument(
        '--no-time',
        action='store_true',
        help='only count parameters, multiply-adds and traffic; no times, no memory',
    )
    parser.add_argument(
        '--no-traffic',
        action='store_true',
        help='no traffic; a whole detector has to run for it, forward and backward',
    )
    parser.add_argument(
        '--profile',
        action='store_true',
        help="where the time goes, by torch's profiler: the ten most expensive operations, and each "
        'part of the model by the stride of its maps',
    )
    parser.add_argument('--out', type=Path, metavar='PNG', help='draw the profile as bars')
    add_measuring_arguments(parser)
    add_overwrite(parser, 'the --json file or the picture')
    add_cfg_options(parser, 'changes to all configs')


def run(args: argparse.Namespace) -> None:
    """Measures, and prints Markdown tables."""
    import torch

    from ..engine import parse_cfg_options
    from ..evaluation import cost
    from ..utils.errors import UserError
    from ..utils.outputs import refuse_existing

    if args.out is not None and not args.profile:
        raise UserError(f'--out {args.out} draws a profile: add --profile')
    for path in filter(None, (args.json, args.out)):
        refuse_existing(path, args.overwrite)
    device = args.device or ('cuda' if torch.cuda.is_available() else 'cpu')
    options = parse_cfg_options(args.cfg_options)
    subjects = [
        cost.parse_subject(config, size, args.parts, options, args.batch_size)
        for size in args.sizes
        for config in args.configs
    ]
    rows = cost.compare(
        subjects,
        device,
        args.repeats,
        timed=not args.no_time,
        amp=args.amp,
        traffic=not args.no_traffic,
        profile=args.profile,
    )
    hardware = (
        torch.cuda.get_device_name(torch.device(device))
        if torch.device(device).type == 'cuda'
        else f'{torch.get_num_threads()} threads'
    )
    _print_tables(args, rows)
    print(
        f'{args.parts}, batch of {args.batch_size}, {device} ({hardware}), torch {torch.__version__}, '
        f'{cost.precision(args.amp)}' + ('' if args.no_time else f', median of {args.repeats}')
    )
    _write(args, rows, device=device, hardware=hardware)


def _print_tables(args: argparse.Namespace, rows: list[dict]) -> None:
    from ..evaluation import cost

    print(cost.table(rows), end='\n\n')
    if not args.no_traffic:
        print(cost.traffic_table(rows), end='\n\n')
    for row in rows:
        for name, spots in row.get('profile', {}).items():
            print(f'{row["name"]} at {row["height"]}x{row["width"]}, {name.replace("_", "+")}:\n')
            print(cost.spots_table(spots), cost.modules_table(spots), sep='\n\n', end='\n\n')


def _write(args: argparse.Namespace, rows: list[dict], **where: str) -> None:
    """The file of figures and the picture, if they are wanted."""
    import json
    from dataclasses import asdict

    import torch

    from ..evaluation import cost
    from ..utils.atomic_file import whole_or_not, write_text_atomically
    from ..visualization import draw_times

    if args.json is not None:
        figures = dict(
            parts=args.parts,
            batch_size=args.batch_size,
            torch=torch.__version__,
            precision=cost.precision(args.amp),
            repeats=None if args.no_time else args.repeats,
            rows=rows,
            **where,
        )
        write_text_atomically(args.json, json.dumps(figures, indent=2, default=asdict) + '\n')
        print(f'written: {args.json}')
    if args.out is not None:
        panels = {
            f'{row["name"]}, {name.replace("_", "+")}': cost.by_module(spots)
            for row in rows
            for name, spots in row['profile'].items()
        }
        with whole_or_not(args.out) as file:
            draw_times(panels).savefig(file)
        print(f'written: {args.out}')
