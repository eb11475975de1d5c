"""One table of the data, as a detector is about to see it."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from ...datasets import Boxes, boxes_by_class, leaves
from .matched_priors import unmatched_shares

EDGES = (8, 16, 32, 96)  # sides in pixels; 32 and 96 are COCO's
MOST_CLASSES = 20


def start_table(dataset: Any, samples: Sequence[Boxes], detector: Any, validation: Any = None) -> str:
    """Pictures, boxes, classes, sizes after resizing, and boxes that nothing matches.

    Args:
        dataset: The training set, built.
        samples (Sequence[Boxes]): Some of its boxes after its pipeline.
        detector: The detector, built; see :func:`unmatched_shares` for the rule.
        validation: The validation set, built, if there is one.

    Returns:
        str: A title and a line for each row.
    """
    counts, ignored = boxes_by_class(dataset)
    parts = leaves(dataset)
    pictures = f'{sum(len(part) for part in parts)}'
    if len(dataset) != sum(len(part) for part in parts):
        pictures += f', {len(dataset)} with repetitions'
    if validation is not None:
        pictures += f'; validation {sum(len(part) for part in leaves(validation))}'
    rows = [
        ('pictures', pictures),
        ('boxes', f'{counts.total()}' + (f', and {ignored} ignored regions' if ignored else '')),
        ('left out', _left_out(parts)),
        ('by class', _by_class(counts, parts[0].metainfo.get('classes') or ())),
        *_size_rows(samples),
        *_match_rows(detector, samples),
    ]
    width = max(len(name) for name, _ in rows)
    return '\n'.join(['training data', *(f'  {name:<{width}}  {text}' for name, text in rows)])


def _left_out(parts: Sequence[Any]) -> str:
    told = [part.dropped for part in parts if hasattr(part, 'dropped')]
    if not told:
        return 'not counted; CheckedCocoDataset counts'
    sums = {cause: sum(dropped[cause] for dropped in told) for cause in told[0]}
    found = [f'{count} {cause.replace("_", " ")}' for cause, count in sums.items() if count]
    return ', '.join(found) or 'nothing'


def _by_class(counts: dict[int, int], names: Sequence[str]) -> str:
    by_count = sorted(counts.items(), key=lambda item: -item[1])
    shown = [f'{names[label] if label < len(names) else label} {n}' for label, n in by_count]
    empty = [str(name) for label, name in enumerate(names) if not counts[label]]
    text = ', '.join(shown[:MOST_CLASSES])
    if len(shown) > MOST_CLASSES:
        text += f', and {len(shown) - MOST_CLASSES} classes with at most {by_count[MOST_CLASSES][1]}'
    return text + (f'; without a box: {", ".join(empty)}' if empty else '')


def _size_rows(samples: Sequence[Boxes]) -> list[tuple[str, str]]:
    boxes = [sample.boxes for sample in samples if len(sample.boxes)]
    if not boxes:
        return [('sizes', 'no box after the pipeline')]
    corners = torch.cat(boxes)
    sides = (corners[:, 2:] - corners[:, :2]).clamp(min=0).prod(-1).sqrt().cpu().numpy()
    low, quarter, middle, upper, high = np.percentile(sides, (5, 25, 50, 75, 95))
    bins = np.digitize(sides, EDGES)
    labels = [
        f'under {EDGES[0]}',
        *(f'{a}-{b}' for a, b in pairwise(EDGES)),
        f'from {EDGES[-1]}',
    ]
    shares = ', '.join(f'{label}: {np.mean(bins == i):.0%}' for i, label in enumerate(labels))
    heights, widths = ([getattr(s, side) for s in samples] for side in ('height', 'width'))
    return [
        (
            'seen as',
            f'{_span(widths)} x {_span(heights)} px (width x height), {len(samples)} pictures looked at',
        ),
        (
            'box sides',
            f'{middle:.0f} px in the middle, half of them {quarter:.0f}-{upper:.0f}, nine in ten '
            f'{low:.0f}-{high:.0f} (square root of the area, after resizing)',
        ),
        ('in px', shares),
    ]


def _match_rows(detector: Any, samples: Sequence[Boxes]) -> list[tuple[str, str]]:
    shares = unmatched_shares(detector, samples)
    if shares is None:
        return []
    levels = ', '.join(f'stride {_stride(stride)}: {share:.0%}' for stride, share in shares.by_level)
    return [('unmatched', f'{levels}; on all levels {shares.on_all:.1%} of boxes (rule: {shares.rule})')]


def _stride(stride: tuple[float, float]) -> str:
    return f'{stride[0]:g}' if stride[0] == stride[1] else f'{stride[0]:g}x{stride[1]:g}'


def _span(values: Sequence[int]) -> str:
    return f'{min(values)}' if min(values) == max(values) else f'{min(values)}-{max(values)}'
