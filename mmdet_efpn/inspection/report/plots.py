"""Plots of an inspection, and pictures with their boxes, as data in the page itself."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...datasets import leaves
from ...visualization import annotation_grid
from ...visualization.report_page import jpeg_address, svg_address
from ..advice import FEW_CELLS
from ..findings import Findings
from ..matching import Matching

COLOURS = {'plain': '#8a8f98', 'extended': '#00796b'}
# over a line
TEXT: dict[str, Any] = dict(va='top', ha='center', bbox=dict(facecolor='white', edgecolor='none', pad=1))


def plots_of(findings: Findings) -> list[tuple[str, str]]:
    """What each plot shows, and the plot as the address of an image."""
    made = [
        ('Sizes of the boxes after resizing', _sizes),
        ('Objects of a picture', _objects),
        ('Best positive anchor of a box', _best_ious),
        ('Positives, level by level', _levels),
        ('Levels that RoIs are pooled from', _pooled),
    ]
    found = []
    for title, draw in made:
        figure = Figure(figsize=(6.4, 3.6), layout='constrained')
        if draw(figure.subplots(), findings):
            found.append((title, svg_address(figure)))
    return found


def pictures_of(findings: Findings, num: int = 6) -> str:
    """Pictures with their boxes, the smallest objects magnified below, as the address of an image.

    Raises:
        MissingFileError, UserError: A picture is missing or can't be decoded.
    """
    grid = annotation_grid(leaves(findings.dataset)[0], num, columns=3, panel_width=420)
    return jpeg_address(grid)


def _sizes(axes: Axes, findings: Findings) -> bool:
    sides = findings.facts.sides
    edges = np.geomspace(max(1.0, sides.min()), max(sides.max(), 2 * max(1.0, sides.min())), 40)
    axes.hist(sides, bins=edges.tolist(), color=COLOURS['extended'], alpha=0.85)
    axes.set_xscale('log', base=2)
    axes.xaxis.set_major_formatter(lambda side, _: f'{side:g}')
    top = axes.get_ylim()[1]
    for stride in (2, 4, 8):
        axes.axvline(FEW_CELLS * stride, color='#444', linewidth=0.8, linestyle='--')
        where = (FEW_CELLS * stride, 1.18 * top)
        axes.text(*where, f'{FEW_CELLS} cells at\nstride {stride}', size=8, **TEXT)
    axes.set_ylim(0, 1.2 * top)
    axes.set(xlabel='side in pixels (square root of the area)', ylabel='boxes')
    return True


def _objects(axes: Axes, findings: Findings) -> bool:
    counts, kept = findings.facts.counts, findings.facts.kept
    width = max(1, -(-int(counts.max()) // 40))
    bins = np.arange(0, counts.max() + width + 1, width) - 0.5
    axes.hist(counts, bins=bins.tolist(), color=COLOURS['extended'], alpha=0.85)
    axes.set_yscale('log')
    if kept is not None and kept[1] < 5 * counts.max():
        axes.axvline(kept[1], color='#c62828', linewidth=1, label=f'the model keeps {kept[1]}')
        axes.legend(frameon=False)
    axes.set(xlabel='objects', ylabel='pictures (logarithmic)')
    return True


def _best_ious(axes: Axes, findings: Findings) -> bool:
    drawn: list[Matching] = []
    for name, matching in findings.matched:
        if matching.ious is None:
            continue
        best = np.sort(matching.ious.max(1))
        same = any(matching is other for other in drawn)
        drawn.append(matching)
        axes.plot(
            [0, *best],
            [100, *100 * (1 - np.arange(len(best)) / len(best))],
            label=name + (', the same' if same else ''),
            color=COLOURS[name],
            linewidth=2,
            linestyle='--' if same else '-',
        )
    axes.set(
        xlabel='IoU',
        ylabel='% of boxes with a positive\nof at least that IoU',
        xlim=(0, 1),
        ylim=(0, 102),
    )
    axes.grid(alpha=0.3)
    if drawn:
        axes.legend(frameon=False)
    return bool(drawn)


def _levels(axes: Axes, findings: Findings) -> bool:
    shares = {
        name: {int(s): 100 * one.share(level=level) for level, s in enumerate(one.strides)}
        for name, one in findings.matched
    }
    return _bars(axes, shares, '% of boxes with a positive')


def _pooled(axes: Axes, findings: Findings) -> bool:
    shares = {
        name: {int(s): 100 * float(np.mean(strides == s)) for s in np.unique(strides)}
        for name, strides in findings.pooled
    }
    return _bars(axes, shares, '% of boxes')


def _bars(axes: Axes, shares: dict[str, dict[int, float]], label: str) -> bool:
    """One group of bars a stride, one bar a detector; whether there is any."""
    if not shares:
        return False
    strides = sorted({stride for share in shares.values() for stride in share})
    width = 0.8 / len(shares)
    for number, (name, share) in enumerate(shares.items()):
        places = np.arange(len(strides)) + (number - (len(shares) - 1) / 2) * width
        heights = [share.get(stride, 0.0) for stride in strides]
        bars = axes.bar(places, heights, width, label=name, color=COLOURS[name])
        axes.bar_label(bars, [f'{share[s]:.0f}' if s in share else '' for s in strides], size=8)
    axes.set_xticks(range(len(strides)), [f'{stride}' for stride in strides])
    axes.set(xlabel='stride', ylabel=label, ylim=(0, 110))
    axes.legend(frameon=False)
    return True
