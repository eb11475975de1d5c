"""Curves of a run: losses, AP, learning rate, and where RoIs are pooled."""

import json
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..engine import ROI_SHARE
from ..visualization import report_page as html
from ..visualization import smoothed
from .run_files import RunFiles

WINDOW = 9  # logged values in a running mean
FEW = 3 * WINDOW  # fewer values are drawn as they are


@dataclass(frozen=True)
class Curve:
    """A logged value.

    Attributes:
        name: Its name in the log.
        kind: ``loss``, ``figure``, ``learning rate``, ``RoIs`` or ``gradient``.
        steps: Iterations, or epochs for figures of a run that counts these.
        values: The value at each.
    """

    name: str
    kind: str
    steps: list[int]
    values: list[float]


def curves_of(run: RunFiles) -> list[Curve]:
    """The curves of a run, as logged; where a resumed run repeats a step, the later value counts.

    Figures are those of AP. A -1 (no box of that size) is left out.
    """
    found: dict[tuple[str, str], dict[int, float]] = {}
    for entries, kind_of in ((run.training, _kind), (run.validation, _figure)):
        for entry in entries:
            for name, value in entry.items():
                if (kind := kind_of(name)) and _is_number(value) and 'step' in entry:
                    found.setdefault((kind, name), {})[entry['step']] = float(value)
    curves = []
    for (kind, name), values in found.items():
        steps = sorted(step for step in values if kind != 'figure' or values[step] != -1)
        if steps:
            curves.append(Curve(name, kind, steps, [values[step] for step in steps]))
    return curves


def curves_part(run: RunFiles) -> str:
    """The plots, and the numbers behind them as JSON, for programs."""
    curves = curves_of(run)
    if not curves:
        return html.warning(
            f'No curves: {run.folder} has no log of losses (TIME/vis_data/scalars.json).'
        )
    text = ''
    if not any(curve.kind == 'figure' for curve in curves):
        text = html.warning(
            'No curve of AP: no validation was logged (val_cfg, train_cfg.val_interval).'
        )
    if any(len(curve.steps) >= FEW for curve in curves if curve.kind == 'loss'):
        text += html.note(f'Losses: pale as logged, strong the mean of {WINDOW} logged values.')
    text += html.side_by_side(html.figure(*plot) for plot in _plots(curves, run.by_epoch))
    numbers = [dict(name=c.name, kind=c.kind, steps=c.steps, values=c.values) for c in curves]
    data = json.dumps(numbers).replace('<', '\\u003c')
    return text + f'<script type="application/json" id="curves">{data}</script>\n'


def _kind(name: str) -> str | None:
    if name == ROI_SHARE:
        return 'RoIs'
    if name in ('lr', 'base_lr'):
        return 'learning rate' if name == 'lr' else None
    if name == 'grad_norm':
        return 'gradient'
    return 'loss' if 'loss' in name else None


def _figure(name: str) -> str | None:
    """Figures of metrics have a slash; of these AP, over all classes."""
    return 'figure' if '/' in name and 'mAP' in name else None


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and bool(np.isfinite(value))


def _plots(curves: list[Curve], by_epoch: bool) -> list[tuple[str, str]]:
    """Title and image of each plot."""
    wanted = [
        ('Losses', 'loss', 'loss', 'iteration'),
        ('AP on the validation set', 'figure', 'AP', 'epoch' if by_epoch else 'iteration'),
        ("Share of RoIs that are pooled from P2'", 'RoIs', 'share', 'iteration'),
        ('Learning rate', 'learning rate', 'learning rate', 'iteration'),
        ('Norm of the gradient', 'gradient', 'norm', 'iteration'),
    ]
    made = []
    for title, kind, label, steps in wanted:
        chosen = [curve for curve in curves if curve.kind == kind]
        if not chosen:
            continue
        figure = Figure(figsize=(6.4, 3.8), layout='constrained')
        axes = figure.subplots()
        _draw(axes, chosen, mean=kind in ('loss', 'RoIs', 'gradient'))
        axes.set(xlabel=steps, ylabel=label)
        axes.set_xlim(left=0)
        if kind in ('figure', 'RoIs'):
            top = max(max(curve.values) for curve in chosen)
            axes.set_ylim(0, min(1.02, max(1.15 * top, 0.01)))
        elif kind == 'loss':
            _squeeze_not(axes, chosen)
        if len(chosen) > 1:
            axes.legend(frameon=False, fontsize=8, ncols=2 if len(chosen) > 4 else 1)
        axes.grid(alpha=0.3)
        made.append((title, html.svg_address(figure)))
    return made


def _draw(axes: Axes, curves: list[Curve], mean: bool) -> None:
    for number, curve in enumerate(curves):
        colour, name = f'C{number % 10}', curve.name.rpartition('/')[2].removeprefix('bbox_')
        style = '-' if number < 10 else '--'
        if mean and len(curve.steps) >= FEW:
            axes.plot(curve.steps, curve.values, color=colour, alpha=0.25, linewidth=1)
            means = smoothed(curve.values, WINDOW)
            axes.plot(curve.steps, means, style, color=colour, linewidth=1.8, label=name)
            continue
        marker = 'o' if len(curve.steps) < FEW else ''
        axes.plot(
            curve.steps, curve.values, style, color=colour, marker=marker, markersize=4, label=name
        )


def _squeeze_not(axes: Axes, curves: list[Curve]) -> None:
    """The first values of a training from random weights would squeeze all others together."""
    top = max(float(np.quantile(curve.values, 0.98)) for curve in curves)
    if top > 0:
        axes.set_ylim(0, 1.1 * top)
