r"""Compare what detectors cost: parameters, multiply-adds, time and peak memory.

Example:
  mmdet-efpn cost mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py \
      mmdet_efpn::coco/faster-rcnn_r50_efpn-light_1x_coco.py --sizes 800x1344

Multiply-adds are for one image, times and memory for a batch. Times are medians over rounds in which all
configs take turns.
"""

import argparse

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
        help='images at once for times and memory (default: %(default)s)',
    )
    parser.add_argument(
        '--no-time',
        action='store_true',
        help='only count parameters and multiply-adds; no times, no memory',
    )
    add_measuring_arguments(parser)
    add_overwrite(parser, 'the --json file')
    add_cfg_options(parser, 'changes to all configs')


def run(args: argparse.Namespace) -> None:
    """Measures, and prints a Markdown table."""
    import json

    import torch

    from ..engine import parse_cfg_options
    from ..evaluation import cost
    from ..utils.atomic_file import write_text_atomically
    from ..utils.outputs import refuse_existing

    if args.json is not None:
        refuse_existing(args.json, args.overwrite)
    device = args.device or ('cuda' if torch.cuda.is_available() else 'cpu')
    options = parse_cfg_options(args.cfg_options)
    subjects = [
        cost.parse_subject(config, size, args.parts, options, args.batch_size)
        for size in args.sizes
        for config in args.configs
    ]
    rows = cost.compare(subjects, device, args.repeats, timed=not args.no_time, amp=args.amp)
    hardware = (
        torch.cuda.get_device_name(torch.device(device))
        if torch.device(device).type == 'cuda'
        else f'{torch.get_num_threads()} threads'
    )
    precision = cost.precision(args.amp)
    print(cost.table(rows))
    print(
        f'{args.parts}, batch of {args.batch_size}, {device} ({hardware}), torch {torch.__version__}'
        + ('' if args.no_time else f', {precision}, median of {args.repeats}')
    )
    if args.json is not None:
        figures = dict(
            parts=args.parts,
            batch_size=args.batch_size,
            device=device,
            hardware=hardware,
            torch=torch.__version__,
            precision=precision,
            repeats=None if args.no_time else args.repeats,
            rows=rows,
        )
        write_text_atomically(args.json, json.dumps(figures, indent=2) + '\n')
        print(f'written: {args.json}')
