"""The tables of a report, for text and page alike."""

import numpy as np

from ...visualization.report_page import Rows, Table
from ..advice import FEW_CELLS
from ..findings import Findings
from ..matching import IOUS, Matching

NONE = '-'


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
    rows: Rows = [
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
    rows: Rows = []
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
    names, found = [name for name, _ in findings.matched], [match for _, match in findings.matched]
    if not found:
        return None
    rows: Rows = [('any level', *(f'{one.share():.1%}' for one in found))]
    with_iou = found[0].ious is not None
    if with_iou:
        rows += [
            (f'of IoU {iou:g} or more', *(f'{one.share(iou):.1%}' for one in found)) for iou in IOUS
        ]
        rows.append(('best IoU, median', *(_number(one.middle_iou()) for one in found)))
    strides = sorted({stride for one in found for stride in one.strides})
    rows += [(f'stride {stride:g}', *(_on_level(one, stride) for one in found)) for stride in strides]
    note = f'Decided by {found[0].rule}.'
    if with_iou:
        note += ' By level: the share of boxes, and the median IoU of their best positive there.'
    if len(found) == 2 and found[0] is found[1]:
        note += " Both propose on the same levels: P2' changes what RoIs are pooled from."
    if left := max(one.left_out for one in found):
        note += f' {left} pictures have too many boxes and anchors for the memory and are left out.'
    what = 'anchor' if with_iou else 'anchor or point'
    return Table(f'Boxes with a positive {what}', ('', *names), rows, note)


def _on_level(matching: Matching, stride: float) -> str:
    if stride not in matching.strides:
        return NONE
    level = matching.strides.index(stride)
    share, middle = matching.share(level=level), matching.middle_iou(level)
    return f'{share:.1%}' + ('' if middle is None else f' ({middle:.2f})')


def _number(value: float | None) -> str:
    return NONE if value is None else f'{value:.2f}'


def pooling(findings: Findings) -> Table | None:
    """Levels that RoIs of the boxes' own sizes are pooled from."""
    names, found = [name for name, _ in findings.pooled], [strides for _, strides in findings.pooled]
    if not found:
        return None
    strides = np.unique(np.concatenate(found)).tolist()
    rows: Rows = [
        (f'stride {stride}', *(f'{np.mean(one == stride):.1%}' for one in found)) for stride in strides
    ]
    middle = (f'{np.median(findings.facts.sides / one):.1f}' for one in found)
    rows.append(('cells across, median', *middle))
    note = 'An RoI of the box itself; what the RPN proposes is of about its size.'
    return Table('Where RoIs are pooled from', ('', *names), rows, note)


def numbers(findings: Findings) -> Table:
    """Objects of pictures beside the settings that limit candidates and detections."""
    counts = findings.facts.counts
    middle, many = np.percentile(counts, (50, 99))
    rows: Rows = [
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
