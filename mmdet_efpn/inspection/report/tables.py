"""The tables of a report, for text and page alike."""

from dataclasses import dataclass

import numpy as np

from ..advice import FEW_CELLS
from ..findings import Column, Findings
from ..matching import IOUS

NONE = '-'


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        title: What it shows.
        head: Titles of the columns.
        rows: Cells of each row.
        note: A sentence below; empty: none.
    """

    title: str
    head: tuple[str, ...]
    rows: list[tuple[str, ...]]
    note: str = ''


def tables_of(findings: Findings) -> list[Table]:
    """All tables, in the order of a report."""
    found = [overview(findings), cells(findings), positives(findings), pooling(findings)]
    return [table for table in [*found, numbers(findings)] if table is not None]


def overview(findings: Findings) -> Table:
    """Pictures, boxes and their sizes."""
    facts, sides = findings.facts, findings.facts.sides
    low, quarter, middle, upper, high = np.percentile(sides, (5, 25, 50, 75, 95))
    total, looked = findings.pictures
    boxes = f'{len(sides)} of {len(findings.classes)} classes'
    if findings.ignored:
        boxes += f', and {findings.ignored} ignored regions'
    rows = [
        ('pictures', f'{looked} of {total} looked at'),
        ('boxes', boxes),
        ('size of the files', f'{facts.original[0]} x {facts.original[1]} px (width x height, median)'),
        ('resizing', f'to {max(facts.scale)} x {min(facts.scale)} px at most: {facts.factor:.0%}'),
        ('box sides', f'{middle:.0f} px in the middle, after resizing (square root of the area)'),
        ('', f'half of them {quarter:.0f} to {upper:.0f} px, nine in ten {low:.0f} to {high:.0f} px'),
        ('in the files', f'{middle / facts.factor:.0f} px in the middle'),
    ]
    return Table('The data', ('', ''), rows)


def cells(findings: Findings) -> Table | None:
    """Sizes in cells of each level."""
    strides = sorted({stride for column in findings.columns for stride in column.strides})
    if not strides:
        return None
    sides = findings.facts.sides
    rows = []
    for stride in strides:
        names = [column.name for column in findings.columns if stride in column.strides]
        rows.append(
            (
                f'{stride}',
                'both' if len(names) > 1 else names[0],
                f'{np.median(sides) / stride:.1f}',
                f'{np.mean(sides < stride):.0%}',
                f'{np.mean(sides < FEW_CELLS * stride):.0%}',
            )
        )
    head = ('stride', 'level of', 'cells, median', 'under 1 cell', f'under {FEW_CELLS} cells')
    return Table('Across an object, in cells of each level', head, rows)


def positives(findings: Findings) -> Table | None:
    """Boxes with a positive anchor or point, level by level."""
    columns = [column for column in findings.columns if column.matching is not None]
    if not columns:
        return None
    rows = [('any level', *(f'{c.matching.share():.1%}' for c in columns))]
    with_iou = columns[0].matching.ious is not None
    if with_iou:
        rows += [
            (f'of IoU {iou:g} or more', *(f'{c.matching.share(iou):.1%}' for c in columns))
            for iou in IOUS
        ]
        rows.append(('best IoU, median', *(_number(c.matching.middle_iou()) for c in columns)))
    strides = sorted({stride for column in columns for stride in column.matching.strides})
    rows += [(f'stride {stride:g}', *(_on_level(c, stride) for c in columns)) for stride in strides]
    note = f'Decided by {columns[0].matching.rule}.'
    if with_iou:
        note += ' By level: the share of boxes, and the median IoU of their best positive there.'
    if len({id(column.matching) for column in columns}) < len(columns):
        note += " Both propose on the same levels: P2' changes what RoIs are pooled from."
    left = max(column.matching.left_out for column in columns)
    if left:
        note += f' {left} pictures have too many boxes and anchors for the memory and are left out.'
    what = 'anchor' if with_iou else 'anchor or point'
    head = ('', *(column.name for column in columns))
    return Table(f'Boxes with a positive {what}', head, rows, note)


def _on_level(column: Column, stride: float) -> str:
    matching = column.matching
    if matching is None or stride not in matching.strides:
        return NONE
    level = matching.strides.index(stride)
    share, middle = matching.share(level=level), matching.middle_iou(level)
    return f'{share:.1%}' + ('' if middle is None else f' ({middle:.2f})')


def _number(value: float | None) -> str:
    return NONE if value is None else f'{value:.2f}'


def pooling(findings: Findings) -> Table | None:
    """Levels that RoIs of the boxes' own sizes are pooled from."""
    columns = [column for column in findings.columns if column.pooled is not None]
    if not columns:
        return None
    strides = sorted({int(stride) for column in columns for stride in np.unique(column.pooled)})
    rows = [
        (f'stride {stride}', *(f'{np.mean(c.pooled == stride):.1%}' for c in columns))
        for stride in strides
    ]
    sides = findings.facts.sides
    middle = (f'{np.median(sides / c.pooled):.1f}' for c in columns)
    rows.append(('cells across, median', *middle))
    head = ('', *(column.name for column in columns))
    note = 'An RoI of the box itself; what the RPN proposes is of about its size.'
    return Table('Where RoIs are pooled from', head, rows, note)


def numbers(findings: Findings) -> Table:
    """Objects of pictures beside the settings that limit candidates and detections."""
    counts = findings.facts.counts
    middle, many = np.percentile(counts, (50, 99))
    rows = [
        ('objects of a picture, median', f'{middle:.0f}'),
        ('99 of 100 pictures have at most', f'{many:.0f}'),
        ('the fullest picture has', f'{counts.max()}'),
        *((key, f'{value}') for key, value in findings.numbers.items()),
    ]
    return Table('Objects and detections', ('', ''), rows, findings.counted)


def template_lines(findings: Findings) -> list[str]:
    """Lines for the top of the own-data template."""
    names = {'scale': 'scale', 'smallest anchor': 'smallest_anchor'}
    names['detections per picture'] = 'detections_per_picture'
    lines = [f'classes = {findings.classes!r}']
    lines += [
        f'{names[advice.about]} = {advice.value}'
        for advice in findings.advice
        if advice.about in names and advice.value is not None
    ]
    return lines
