"""Compares what detectors cost: parameters, multiply-adds, time and peak memory.

What each figure means stands in ``measure.py``. Multiply-adds are for one image, times and memory for a
batch. Times are medians over repeats that go round all rows in turn, so that a machine that slows down
slows all rows alike.
"""

import contextlib
import statistics
import sys
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from ...utils.errors import UserError
from .measure import PASSES, count_macs, count_parameters, peak_memory, prepare
from .profile import median_of, profile_steps
from .subject import Subject
from .traffic import Traffic, traffic_of

WARM_UP_ROUNDS = dict(cuda=3)  # a GPU's first passes choose kernels; elsewhere one round


def compare(
    subjects: list[Subject],
    device: str,
    repeats: int,
    timed: bool = True,
    passes: Sequence[str] = tuple(PASSES),
    amp: str | None = None,
    traffic: bool = False,
    profile: bool = False,
) -> list:
    """Measures ``passes`` of all subjects and returns one dict of figures per subject.

    With ``amp``, a type's name, they run under autocast.

    Keys: ``name``, ``config``, ``height``, ``width``, ``parameters``, ``macs``; when timed
    ``forward_seconds``, ``forward_backward_seconds``, ``forward_bytes``,
    ``forward_backward_bytes``; a figure that couldn't be taken is ``None`` and ``note`` says why.
    With ``traffic``, a :class:`Traffic` for each pass under ``traffic``, and under autocast on the CPU
    that of the forward pass as on a GPU, where autocast keeps other operations in float32; with
    ``profile``, each pass's list of :class:`Spot` under ``profile``.
    """
    rows, models = [], []
    for subject in subjects:
        row, model, images = _counted(subject, device, amp)
        if traffic:
            _add_traffic(row, model, images, amp, passes)
        if timed:
            progress(f'memory of {subject.name}')
            for name, size in peak_memory(subject, device, passes, amp).items():
                row[f'{name}_bytes'] = size
        rows.append(row)
        models.append(model)
    all_images = [subject.images(device) for subject in subjects]
    if timed:
        _take_times(rows, models, all_images, repeats, passes, amp)
    if profile:
        _take_profiles(rows, models, all_images, repeats, passes, amp)
    return rows


def _counted(subject: Subject, device: str, amp: str | None) -> tuple[dict[str, Any], nn.Module, Tensor]:
    """A subject's row with its parameters and multiply-adds, its model and its images."""
    progress(f'counting {subject.name} at {subject.height}x{subject.width}')
    model, images = subject.build(), subject.images(device)
    row: dict[str, Any] = dict(
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
    return row, prepare(model, device, amp), images


def _add_traffic(
    row: dict[str, Any], model: nn.Module, images: Tensor, amp: str | None, passes: Sequence[str]
) -> None:
    """Adds ``traffic`` to a row, or a note where an operator has no kernel on this device."""
    try:
        row['traffic'] = _traffic(model, images, amp, passes)
    except (NotImplementedError, RuntimeError) as error:
        row['traffic'] = {}
        said = f'traffic not counted: {str(error).splitlines()[0]}'
        row['note'] = f'{row["note"]}; {said}' if row['note'] else said


def _traffic(
    model: nn.Module, images: Tensor, amp: str | None, passes: Sequence[str]
) -> dict[str, Traffic]:
    """Traffic of each pass; under autocast on the CPU, of the forward pass as on a GPU, too."""
    found = {name: traffic_of(model, images.shape, amp, name != 'forward') for name in passes}
    if amp and images.device.type == 'cpu':
        with contextlib.suppress(UserError):  # what has to run for real is not counted so
            found['forward, as on a GPU'] = traffic_of(model, images.shape, amp, device='cuda')
    return found


def _take_times(
    rows: list, models: list, images: list, repeats: int, passes: Sequence[str], amp: str | None
) -> None:
    """Adds the median seconds of each pass to ``rows``; the first rounds only warm up."""
    seconds: list[dict[str, list[float]]] = [{name: [] for name in passes} for _ in rows]
    warm_up = WARM_UP_ROUNDS.get(images[0].device.type, 1)
    for turn in range(1 - warm_up, repeats + 1):
        progress(f'timing, round {turn} of {repeats}' if turn > 0 else 'warming up')
        for taken, model, image in zip(seconds, models, images, strict=True):
            for name in passes:
                taken[name].append(PASSES[name](model, image, amp))
    for row, taken in zip(rows, seconds, strict=True):
        for name, values in taken.items():
            row[f'{name}_seconds'] = statistics.median(values[warm_up:])


def _take_profiles(
    rows: list, models: list, images: list, repeats: int, passes: Sequence[str], amp: str | None
) -> None:
    """Adds the spots of each pass to ``rows``, medians over rounds in which all take turns."""
    rounds: list[dict[str, list]] = [{name: [] for name in passes} for _ in rows]
    for turn in range(repeats):
        progress(f'profiling, round {turn + 1} of {repeats}')
        for taken, model, image in zip(rounds, models, images, strict=True):
            for name in passes:
                taken[name].append(profile_steps(model, image, amp, name))
    for row, taken in zip(rows, rounds, strict=True):
        row['profile'] = {name: median_of(spots) for name, spots in taken.items()}


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
    text = _aligned(lines)
    return '\n'.join([text, *(f'{row["name"]}: {row["note"]}' for row in rows if row['note'])])


def traffic_table(rows: list) -> str:
    """What the passes of ``compare(..., traffic=True)`` move, as a Markdown table.

    Bytes, kernels and memory come with their ratio to the first counted row's in brackets.
    """
    lines = [
        [
            'config',
            'pass',
            'moved (GB)',
            'kernels',
            'float32 maps',
            'of these stride 4 or finer (GB)',
            'activations at most (MiB)',
        ]
    ]
    for name in dict.fromkeys(name for row in rows for name in row['traffic']):
        counted = [row for row in rows if name in row['traffic']]
        first: Traffic = counted[0]['traffic'][name]
        for row in counted:
            found: Traffic = row['traffic'][name]
            lines.append(
                [
                    row['name'],
                    name.replace('_', '+'),
                    f'{found.bytes / 1e9:.2f} ({found.bytes / first.bytes:.2f}x)',
                    f'{found.kernels} ({found.kernels / first.kernels:.2f}x)',
                    f'{found.float32_map_bytes / found.bytes:.1%}',
                    f'{found.fine_float32_bytes / 1e9:.2f}',
                    f'{found.peak_bytes / 2**20:.0f} ({found.peak_bytes / first.peak_bytes:.2f}x)',
                ]
            )
    return _aligned(lines)


def _aligned(lines: list[list[str]]) -> str:
    """Cells as a Markdown table, the first line its heading."""
    widths = [max(len(line[index]) for line in lines) for index in range(len(lines[0]))]
    ruled = [lines[0], ['-' * width for width in widths], *lines[1:]]
    return '\n'.join(
        '| ' + ' | '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + ' |'
        for line in ruled
    )


def progress(text: str) -> None:
    """Says on stderr what is being measured."""
    print(text, file=sys.stderr, flush=True)
