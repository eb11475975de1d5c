"""AP of a run by size and class, and its precision-recall curves."""

from collections import Counter

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..evaluation import AnnotatedSet, BoxEvaluation, shown
from ..visualization import report_page as html
from .run_files import RunFiles

MOST_CURVES = 10  # of classes in one plot
RECALLS = np.linspace(0, 1, 101)


def figures_part(run: RunFiles, judged: AnnotatedSet | None, evaluation: BoxEvaluation | None) -> str:
    """Tables of AP: of the predictions; without them, those that were logged."""
    if judged is None or evaluation is None:
        return _logged(run)
    tables = [_sizes(evaluation), _classes(judged, evaluation)]
    return ''.join(map(html.table_as_html, tables))


def precision_recall_part(judged: AnnotatedSet, evaluation: BoxEvaluation) -> str:
    """Plots by IoU, by size and by class."""
    rules = evaluation.preset
    first = 0  # the lowest IoU
    lowest = f'IoU {rules.iou_thrs[first]:g}'
    by_iou = [(f'IoU {iou:g}', precision_at(evaluation, place)) for place, iou in _some_ious(rules)]
    by_size = [
        (f'{size.words} ({size.range_text})', precision_at(evaluation, first, size=place))
        for place, size in enumerate(rules.sizes, 1)
    ]
    by_class = [
        (name, precision_at(evaluation, first, kinds=[place]))
        for place, name in enumerate(judged.classes)
    ]
    by_class = [pair for pair in by_class if pair[1] is not None]
    by_class.sort(key=lambda pair: 0.0 if pair[1] is None else -float(pair[1].mean()))
    text, title = '', f'By class, {lowest}'
    if len(by_class) > MOST_CURVES:
        half = MOST_CURVES // 2
        by_class = by_class[:half] + by_class[-half:]
        title += f', the {half} best and the {half} worst'
    plots = [('All classes, by IoU', by_iou), (f'By size, {lowest}', by_size), (title, by_class)]
    text += html.note(
        "COCO's interpolated precision: the best one at that recall or beyond, mean over classes. "
        f'{rules.ap_max_det} detections a picture and class at most.'
    )
    return text + html.side_by_side(html.figure(name, _plot(curves)) for name, curves in plots)


def precision_at(
    evaluation: BoxEvaluation, iou: int, size: int = 0, kinds: list[int] | None = None
) -> np.ndarray | None:
    """Precision (101,) at recalls 0, 0.01, ..., 1, mean over classes with a box; ``None`` without any.

    Args:
        evaluation: After :meth:`~BoxEvaluation.run`.
        iou: Place of the IoU threshold.
        size: Place of the size in the rules' areas.
        kinds: Places of the classes. Default: all.
    """
    most = evaluation.params.maxDets.index(evaluation.preset.ap_max_det)
    table = evaluation.eval['precision'][iou, :, :, size, most]  # recalls, classes
    table = table if kinds is None else table[:, kinds]
    table = table[:, (table > -1).all(axis=0)]
    return table.mean(axis=1) if table.size else None


def _sizes(evaluation: BoxEvaluation) -> html.Table:
    rules = evaluation.preset
    rows: html.Rows = []
    for figure in rules.figures:
        size = rules.areas[figure.size]
        iou = f'{figure.iou:g}' if figure.iou is not None else 'mean'
        row = (figure.title, shown(evaluation.value(figure)), f'{size.words} ({size.range_text})')
        rows.append((*row, iou, str(figure.max_det)))
    head = ('figure', 'value', 'objects', 'IoU', 'detections a class')
    ious = rules.iou_thrs
    span = f'{ious[0]:g}' if len(ious) == 1 else f'{ious[0]:g} to {ious[-1]:g}'
    note = f"COCO's evaluator under the rules of preset {rules.name}; IoU mean: over {span}."
    return html.Table('All classes, by size', head, rows, note)


def _classes(judged: AnnotatedSet, evaluation: BoxEvaluation) -> html.Table:
    figures = [figure for figure in evaluation.preset.figures if not figure.recall]
    truth = evaluation.cocoGt.dataset['annotations']
    counts = Counter(entry['category_id'] for entry in truth if not entry['iscrowd'])
    rows: html.Rows = []
    for cat_id, name in zip(judged.cat_ids, judged.classes, strict=True):
        values = [shown(evaluation.value(figure, cat_id)) for figure in figures]
        rows.append((name, str(counts[cat_id]), *values))
    return html.Table('By class', ('class', 'objects', *(figure.title for figure in figures)), rows)


def _logged(run: RunFiles) -> str:
    """The last figures in the logs."""
    text = ''
    for title, entries in (
        ('The last validation', run.validation),
        ('The last test in this folder', run.tests),
    ):
        kept = [entry for entry in entries if any('/' in name for name in entry)]
        if not kept:
            continue
        rows: html.Rows = [(name, shown(value)) for name, value in kept[-1].items() if '/' in name]
        if 'step' in kept[-1]:
            title += f', at {"epoch" if run.by_epoch else "iteration"} {kept[-1]["step"]}'
        text += html.table_as_html(html.Table(title, ('figure', 'value'), rows))
    return text or html.warning('No figures: neither a validation nor a test was logged.')


def _some_ious(rules) -> list[tuple[int, float]]:
    """First, middle and last threshold."""
    places = sorted({0, len(rules.iou_thrs) // 2, len(rules.iou_thrs) - 1})
    return [(place, rules.iou_thrs[place]) for place in places]


def _plot(curves: list[tuple[str, np.ndarray | None]]) -> str:
    figure = Figure(figsize=(6.4, 4.2), layout='constrained')
    axes: Axes = figure.subplots()
    for name, values in curves:
        if values is None:
            axes.plot([], [], label=f'{name}: no box')
        else:
            axes.plot(RECALLS, values, linewidth=1.8, label=f'{name}: AP {values.mean():.3f}')
    axes.set(xlabel='recall', ylabel='precision', xlim=(0, 1), ylim=(0, 1.02))
    axes.grid(alpha=0.3)
    if curves:
        axes.legend(frameon=False, fontsize=8, loc='lower left')
    return html.svg_address(figure)
