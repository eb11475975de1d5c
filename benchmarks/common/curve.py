"""Designs against a curve of one design over input scales, at equal time, with intervals.

A draw takes pictures anew, the same ones for all runs, and for each design as many of its seeds, with
replacement. Between two scales the curve is a straight line over time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mmdet_efpn.utils.errors import UserError


@dataclass(frozen=True)
class Point:
    """One design at one scale.

    Attributes:
        design: Its name.
        scale: Of the input's sides.
        time: What it costs, in any unit.
        values: A figure of its runs; seeds by draws, the first column without a draw.
    """

    design: str
    scale: float
    time: float
    values: np.ndarray

    @property
    def name(self) -> str:
        """Design and scale."""
        return f'{self.design} @{self.scale:g}'

    def mean(self) -> float:
        """Over seeds, on all pictures."""
        return float(self.values[:, 0].mean())

    def drawn(self, generator: np.random.Generator) -> np.ndarray:
        """Means over seeds drawn anew, one for each draw of pictures."""
        seeds, draws = self.values[:, 1:].shape
        chosen = generator.integers(0, seeds, (seeds, draws))
        return np.take_along_axis(self.values[:, 1:], chosen, axis=0).mean(axis=0)


def interval(values: np.ndarray) -> tuple[float, float]:
    """Between which nineteen of twenty values lie."""
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)


def above_curve(points: Sequence[Point], base: str) -> dict[str, dict]:
    """How far each design lies above the base's curve at its own time.

    A design cheaper than the whole curve is compared with its cheapest point, one dearer than all of it
    with its dearest: ``outside`` says so.

    Args:
        points: All designs, the base at two scales or more.
        base: The design whose scales make the curve.

    Returns:
        dict[str, dict]: By :attr:`Point.name`: ``value`` and its ``interval``, and for other designs
        than the base ``above``, its ``above_interval`` and ``outside``.

    Raises:
        UserError: There is no curve.
    """
    curve = sorted((point for point in points if point.design == base), key=lambda point: point.time)
    if len(curve) < 2:
        raise UserError(f'a curve needs {base} at two scales or more; there are {len(curve)}')
    generator = np.random.default_rng(0)
    drawn = {point.name: point.drawn(generator) for point in points}
    times = np.array([point.time for point in curve])
    rows = {}
    for point in points:
        row: dict = dict(value=point.mean(), interval=interval(drawn[point.name]))
        if point.design != base:
            shares = _shares(times, point.time)
            below = float(shares @ [one.mean() for one in curve])
            differences = drawn[point.name] - shares @ np.stack([drawn[one.name] for one in curve])
            row.update(
                above=row['value'] - below,
                above_interval=interval(differences),
                outside=not times[0] <= point.time <= times[-1],
            )
        rows[point.name] = row
    return rows


def _shares(times: np.ndarray, time: float) -> np.ndarray:
    """Weights of the curve's points that give its value at a time."""
    return np.array([np.interp(time, times, row) for row in np.eye(len(times))])


def points_of(figures: Mapping[str, Mapping], times: Mapping[str, float], figure: str) -> list[Point]:
    """The points of a file of figures.

    Args:
        figures: By run's name, ``DESIGN @SCALE, seed N``, what ``figures_of`` gives.
        times: By ``DESIGN @SCALE``; designs without a time are left out.
        figure: Which figure.
    """
    runs: dict[str, list] = {}
    for name in sorted(figures):
        design, _ = split_seed(name)
        runs.setdefault(design, []).append(figures[name][figure])
    points = []
    for name, values in runs.items():
        if name in times:
            design, _, scale = name.rpartition(' @')
            points.append(Point(design, float(scale), times[name], np.array(values)))
    return points


def split_seed(name: str) -> tuple[str, int]:
    """``'FPN @1.5, seed 2'`` as (``'FPN @1.5'``, 2).

    Raises:
        UserError: It is no such name.
    """
    design, _, seed = name.rpartition(', seed ')
    scale = design.rpartition(' @')[2]
    if not seed.isdigit() or not scale.replace('.', '', 1).isdigit():
        raise UserError(f'a stage of curves is called "DESIGN @SCALE, seed N", not "{name}"')
    return design, int(seed)
