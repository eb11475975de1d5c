"""Training losses of several runs in one picture, as logged and smoothed."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from ..engine import logged_entries
from ..utils.errors import UserError


def read_curve(work_dir: str | Path, key: str = 'loss') -> tuple[np.ndarray, np.ndarray]:
    """A logged value by iteration, over all logs of a run; where a resumed run repeats, the later wins.

    Args:
        work_dir (str | Path): A run's work folder.
        key (str): Name of the value in the log. Default ``'loss'``.

    Returns:
        tuple[np.ndarray, np.ndarray]: Iterations and values, (n,) each.

    Raises:
        ValueError: No log in the folder has the value.
    """
    values = {entry['step']: entry[key] for entry in logged_entries(work_dir) if key in entry}
    if not values:
        raise UserError(f'{work_dir}: no */vis_data/scalars.json logs a value named {key!r}')
    steps = sorted(values)
    return np.array(steps), np.array([values[step] for step in steps], dtype=float)


def smoothed(values: Sequence[float], window: int) -> np.ndarray:
    """Running mean over ``window`` values, centred; at the ends over those that there are.

    Args:
        values (Sequence[float]): (n,).
        window (int): An odd number from 1.

    Raises:
        ValueError: an even ``window``, or one under 1.
    """
    if window < 1 or window % 2 == 0:
        raise UserError(f'window must be an odd number from 1, got {window}')
    values, kernel = np.asarray(values, dtype=float), np.ones(window)
    whole = np.convolve(values, kernel)[window // 2 : window // 2 + len(values)]
    return whole / np.convolve(np.ones(len(values)), kernel)[window // 2 : window // 2 + len(values)]


def draw_curves(runs: Mapping[str, str | Path], key: str = 'loss', window: int = 9) -> Figure:
    """One line a run: pale as logged, strong as a running mean.

    Args:
        runs (Mapping[str, str | Path]): Work folders by name.
        key (str): Name of the value in the logs. Default ``'loss'``.
        window (int): Logged values in the running mean, odd. Default 9.

    Returns:
        Figure: The picture.

    Raises:
        ValueError: A run logs no such value, or ``window`` is even.
    """
    figure = Figure(figsize=(10, 6), dpi=120, layout='constrained')
    axes = figure.subplots()
    top = 0.0
    for number, (name, work_dir) in enumerate(runs.items()):
        steps, values = read_curve(work_dir, key)
        mean = smoothed(values, window)
        axes.plot(steps, values, color=f'C{number}', alpha=0.25, linewidth=1)
        axes.plot(steps, mean, color=f'C{number}', linewidth=2, label=name)
        # The first values of a training from random weights would squeeze all others together.
        top = max(top, np.quantile(values, 0.98))
    axes.set(
        xlabel='iteration',
        ylabel=key,
        ylim=(0, 1.1 * top),
        title=f'{key}: as logged (pale), mean of {window} logged values (strong)',
    )
    axes.grid(alpha=0.3)
    axes.legend()
    return figure
