"""Designs by cost and accuracy, and the front of those that none beats in both."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure


def pareto_front(points: Mapping[str, tuple[float, float]]) -> list[str]:
    """Names of the points that no other beats, from the cheapest on.

    Args:
        points (Mapping[str, tuple[float, float]]): Cost (less is better) and value (more is better).

    Returns:
        list[str]: Each costs more than the one before and is worth more.
    """
    front, best = [], float('-inf')
    for name, (_, value) in sorted(points.items(), key=lambda item: (item[1][0], -item[1][1])):
        if value > best:
            front.append(name)
            best = value
    return front


def draw_pareto(
    points: Mapping[str, tuple[float, float]], landmarks: Sequence[str], cost: str, value: str
) -> Figure:
    """Draws each design as a named point, landmarks as squares, and the front as a line of steps.

    Args:
        points (Mapping[str, tuple[float, float]]): Cost and value by name.
        landmarks (Sequence[str]): Names to mark; those that are no point are left out.
        cost (str): What the horizontal axis shows.
        value (str): What the vertical axis shows.

    Returns:
        Figure: The picture.
    """
    figure = Figure(figsize=(10, 6), dpi=120, layout='constrained')
    axes = figure.subplots()
    front = pareto_front(points)
    axes.step(
        *zip(*(points[name] for name in front), strict=True),
        where='post',
        color='0.75',
        zorder=1,
        label='best for its price',
    )
    for name, (x, y) in points.items():
        marked = name in landmarks
        axes.scatter(
            x,
            y,
            s=70 if marked else 40,
            marker='s' if marked else 'o',
            color='C3' if marked else ('C0' if name in front else '0.55'),
            zorder=2,
        )
        axes.annotate(
            name,
            (x, y),
            xytext=(6, 5),
            textcoords='offset points',
            fontsize=9,
            weight='bold' if marked else 'normal',
        )
    axes.set(xlabel=cost, ylabel=value, xlim=(0, 1.15 * max(x for x, _ in points.values())))
    axes.grid(alpha=0.3)
    axes.legend(loc='lower right')
    return figure
