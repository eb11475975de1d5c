"""What the stages of a recipe reached, as a Markdown table."""

from collections.abc import Sequence
from pathlib import Path

from ..engine import logged_entries
from .stages import Stage

METRICS = {'AP': 'coco/bbox_mAP', 'AP50': 'coco/bbox_mAP_50', 'AP small': 'coco/bbox_mAP_s'}


def last_metrics(folder: Path) -> dict:
    """The figures of a run's last evaluation."""
    evaluated = [
        entry for entry in logged_entries(folder) if any(key in entry for key in METRICS.values())
    ]
    last = evaluated[-1] if evaluated else {}  # not by step: MMEngine may count it in epochs, from 0
    return {name: last[key] for name, key in METRICS.items() if key in last}


def table(stages: Sequence[Stage]) -> str:
    """AP of each finished stage, as Markdown."""
    rows = [
        '| stage | ' + ' | '.join(METRICS) + ' | checkpoint |',
        '| --- |' + ' --- |' * (len(METRICS) + 1),
    ]
    for stage in stages:
        result = stage.result()
        if result is not None:
            metrics = result['metrics']
            figures = [f'{metrics[m]:.3f}' if m in metrics else 'not evaluated' for m in METRICS]
            rows.append(
                f'| {stage.number} {stage.name} | {" | ".join(figures)} | {result["checkpoint"]} |'
            )
    return '\n'.join(rows)
