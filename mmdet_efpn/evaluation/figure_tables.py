"""Figures as tables, in which -1 is said in words."""

from terminaltables import AsciiTable

from .coco_engine import BoxEvaluation
from .rules import Preset

NO_BOX = 'no box'


def shown(value: float) -> str:
    """A figure with three decimals, or that there was no box to count.

    Example:
        >>> shown(0.12345), shown(-1)
        ('0.123', 'no box')
    """
    return NO_BOX if value == -1 else f'{value:.3f}'


def figure_table(preset: Preset, figures: dict[str, float]) -> str:
    """All figures of a metric, with what each counts."""
    rows = [['figure', 'value', 'objects', 'IoU', 'detections a class']]
    known = {figure.name: figure for figure in preset.figures}
    for name, value in figures.items():
        if name not in known:
            rows.append([name, shown(value), '', '', ''])
            continue
        figure = known[name]
        size = preset.areas[figure.size]
        iou = f'{figure.iou:g}' if figure.iou is not None else _span(preset.iou_thrs)
        rows.append([name, shown(value), f'{size.words} ({size.range_text})', iou, str(figure.max_det)])
    missing = [name for name, value in figures.items() if value == -1]
    return f'preset {preset.name}\n{AsciiTable(rows).table}' + _said(missing)


def class_table(evaluation: BoxEvaluation, names: dict[int, str]) -> tuple[str, dict[str, float]]:
    """AP of each class, in all and by IoU and size, as a table; and ``NAME_precision`` of each.

    Args:
        evaluation (BoxEvaluation): After :meth:`~BoxEvaluation.run`.
        names (dict[int, str]): Names by category.
    """
    figures = [figure for figure in evaluation.preset.figures if not figure.recall]
    rows = [['class', *(figure.title for figure in figures)]]
    values = {}
    for cat_id, name in names.items():
        numbers = [evaluation.value(figure, cat_id) for figure in figures]
        values[f'{name}_precision'] = numbers[0]
        rows.append([name, *map(shown, numbers)])
    missing = [name for name in names.values() if values[f'{name}_precision'] == -1]
    return AsciiTable(rows).table + _said(missing), values


def _said(missing: list[str]) -> str:
    if not missing:
        return ''
    return f'\n-1 ({NO_BOX}): no annotated box of the kind counts: {", ".join(missing)}'


def _span(ious: tuple[float, ...]) -> str:
    return f'{ious[0]:g}' if len(ious) == 1 else f'{ious[0]:g} to {ious[-1]:g}'
