r"""Compares what detectors cost: parameters, multiply-adds, time and peak memory.

    python tools/analysis/cost.py FPN.py FPN.py@2x EFPN.py \\
        EFPN.py@model.neck.ftt.hidden_channels=128 --sizes 800x1344 --json cost.json

``tools/analysis/cost.py`` calls :func:`main`. What each figure means stands in ``measure.py``;
multiply-adds are for one image, times and memory for ``--batch-size`` images. Times are medians over
repeats that go round all rows in turn, so that a machine that slows down slows all rows alike.
"""

import argparse
import json
import re
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.config import DictAction

from ...utils.atomic_file import write_text_atomically
from .measure import PASSES, count_macs, count_parameters, peak_memory, prepare
from .subject import PARTS, Subject, parse_subject


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog='cost.py',
        description='Compare parameters, GFLOPs (multiply-adds), time and peak '
        'memory of several configs at several input sizes.',
    )
    parser.add_argument(
        'configs',
        nargs='+',
        metavar='CONFIG[@OPTION]...',
        help='config file, or package::path such as '
        'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py; options: @2x scales '
        'the input, @KEY=VALUE changes the config',
    )
    parser.add_argument(
        '--sizes',
        nargs='+',
        type=parse_size,
        default=[(800, 1344)],
        metavar='HxW',
        help='input sizes, height x width (default: 800x1344)',
    )
    parser.add_argument(
        '--parts',
        choices=PARTS,
        default=PARTS[0],
        help='what is measured (default: %(default)s); detector: forward is its '
        'tensor mode, backward its training loss',
    )
    parser.add_argument(
        '--batch-size', type=int, default=1, help='images at once for times and memory (default: 1)'
    )
    parser.add_argument(
        '--no-time', action='store_true', help='only count parameters and GFLOPs; no times, no memory'
    )
    add_measuring_arguments(parser)
    add_options_argument(parser)
    args = parser.parse_args(argv)
    if args.repeats < 1 or args.batch_size < 1:
        parser.error('--repeats and --batch-size must be at least 1')
    return args


def add_measuring_arguments(parser: argparse.ArgumentParser, repeats: int = 5) -> None:
    """Adds what commands that measure have in common: rounds, device, precision, a file of figures."""
    parser.add_argument(
        '--repeats', type=int, default=repeats, help='timed rounds (default: %(default)s)'
    )
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument('--amp', action='store_true', help='run under autocast in bfloat16')
    parser.add_argument('--json', type=Path, metavar='FILE', help='also write the figures here')


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


def precision(args: argparse.Namespace) -> str:
    """What the passes run in, as the footers say it."""
    return 'bfloat16 autocast' if args.amp else 'float32'


def finish(measured: str, args: argparse.Namespace, results: list[dict]) -> None:
    """Prints what was measured, and where; writes the figures to ``--json``."""
    threads = f'{torch.get_num_threads()} threads, ' if args.device == 'cpu' else ''
    print(
        f'\n{measured}, {args.device} ({threads}torch {torch.__version__}), {precision(args)}, '
        f'medians; timed rounds: {args.repeats}'
    )
    if args.json is not None:
        write_text_atomically(args.json, json.dumps(results, indent=2) + '\n')


def parse_size(text: str) -> tuple[int, int]:
    """``'800x1344'`` to (height, width)."""
    match = re.fullmatch(r'([1-9]\d*)x([1-9]\d*)', text)
    if match is None:
        raise argparse.ArgumentTypeError(f'a size is HEIGHTxWIDTH, such as 800x1344, not {text}')
    return int(match[1]), int(match[2])


def compare(
    subjects: list[Subject],
    device: str,
    repeats: int,
    timed: bool = True,
    passes: Sequence[str] = tuple(PASSES),
    amp: bool = False,
) -> list:
    """Measures ``passes`` of all subjects and returns one dict of figures per subject.

    With ``amp`` they run under bfloat16 autocast.

    Keys: ``name``, ``config``, ``height``, ``width``, ``parameters``, ``macs``, and when timed
    ``forward_seconds``, ``forward_backward_seconds``, ``forward_bytes``,
    ``forward_backward_bytes``; a figure that couldn't be taken is ``None`` and ``note`` says why.
    """
    rows, models = [], []
    for subject in subjects:
        progress(f'counting {subject.name} at {subject.height}x{subject.width}')
        model, images = subject.build(), subject.images(device)
        row = dict(
            name=subject.name,
            config=subject.config,
            height=subject.height,
            width=subject.width,
            parameters=count_parameters(model),
            note=getattr(model, 'note', ''),
        )
        try:
            row['macs'] = count_macs(model.to(device), images[:1])
        except ValueError as error:
            row.update(macs=None, note=str(error))
        if timed:
            progress(f'memory of {subject.name}')
            for name, size in peak_memory(subject, device, passes, amp).items():
                row[f'{name}_bytes'] = size
        rows.append(row)
        models.append(prepare(model, device, amp))
    if timed:
        _take_times(rows, models, [s.images(device) for s in subjects], repeats, passes, amp)
    return rows


def _take_times(
    rows: list, models: list, images: list, repeats: int, passes: Sequence[str], amp: bool
) -> None:
    """Adds the median seconds of each pass to ``rows``; the first round only warms up."""
    seconds = [{name: [] for name in passes} for _ in rows]
    for turn in range(repeats + 1):
        progress(f'timing, round {turn} of {repeats}' if turn else 'warming up')
        for taken, model, image in zip(seconds, models, images, strict=True):
            for name in passes:
                taken[name].append(PASSES[name](model, image, amp))
    for row, taken in zip(rows, seconds, strict=True):
        for name, values in taken.items():
            row[f'{name}_seconds'] = statistics.median(values[1:])


# Table column: heading, key of the figure, unit it is divided by, decimals.
_COLUMNS = (
    ('parameters (M)', 'parameters', 1e6, 1),
    ('GFLOPs (multiply-adds)', 'macs', 1e9, 1),
    ('forward (ms)', 'forward_seconds', 1e-3, 0),
    ('forward+backward (ms)', 'forward_backward_seconds', 1e-3, 0),
    ('forward peak (MiB)', 'forward_bytes', 2**20, 0),
    ('forward+backward peak (MiB)', 'forward_backward_bytes', 2**20, 0),
)


def table(rows: list) -> str:
    """The figures as a Markdown table, each with its ratio to the first row's in brackets."""
    columns = [column for column in _COLUMNS if column[1] in rows[0]]
    lines = [['config', 'size', *(heading for heading, *_ in columns)]]
    for row in rows:
        cells = [row['name'], f'{row["height"]}x{row["width"]}']
        for _, key, unit, decimals in columns:
            value, first = row[key], rows[0][key]
            cell = 'n/a' if value is None else f'{value / unit:.{decimals}f}'
            cells.append(cell if not (value and first) else f'{cell} ({value / first:.2f}x)')
        lines.append(cells)
    widths = [max(len(line[index]) for line in lines) for index in range(len(lines[0]))]
    lines.insert(1, ['-' * width for width in widths])
    text = [
        '| ' + ' | '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + ' |'
        for line in lines
    ]
    return '\n'.join(text + [f'{row["name"]}: {row["note"]}' for row in rows if row['note']])


def progress(text: str) -> None:
    """Says on stderr what is being measured."""
    print(text, file=sys.stderr, flush=True)


def main(argv: list[str] | None = None) -> None:
    """Measures as the command line says; ends with one line and exit status 2 on a wrong config."""
    args = parse_args(argv)
    try:
        subjects = [
            parse_subject(config, size, args.parts, args.cfg_options, args.batch_size)
            for size in args.sizes
            for config in args.configs
        ]
        rows = compare(subjects, args.device, args.repeats, timed=not args.no_time, amp=args.amp)
    except (ValueError, FileNotFoundError) as error:
        print(f'cost.py: error: {error}', file=sys.stderr)
        raise SystemExit(2) from None
    device = torch.device(args.device)
    hardware = (
        torch.cuda.get_device_name(device)
        if device.type == 'cuda'
        else f'{torch.get_num_threads()} threads'
    )
    print(table(rows))
    print(
        f'{args.parts}, batch of {args.batch_size}, {args.device} ({hardware}), '
        f'torch {torch.__version__}'
        + ('' if args.no_time else f', {precision(args)}, median of {args.repeats}')
    )
    if args.json is not None:
        write_text_atomically(
            args.json,
            json.dumps(
                dict(
                    parts=args.parts,
                    batch_size=args.batch_size,
                    device=args.device,
                    hardware=hardware,
                    torch=torch.__version__,
                    precision=precision(args),
                    repeats=None if args.no_time else args.repeats,
                    rows=rows,
                ),
                indent=2,
            )
            + '\n',
        )
