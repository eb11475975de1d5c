"""Where passes spend their time, as bars."""

from collections.abc import Mapping

from matplotlib.figure import Figure

COLOURS = ('#b03a2e', '#e59866', '#5d8aa8', '#b8b8b8')


def draw_times(passes: Mapping[str, Mapping[str, Mapping[str, float]]], most: int = 14) -> Figure:
    """One panel a pass, one bar a part of the model, cut by colour into groups such as strides.

    Args:
        passes: Milliseconds by name of the pass, part of the model and group.
        most: Parts in a panel; the rest share a bar. Default 14.

    Returns:
        The picture; panels below each other have the same scale.
    """
    number = len(passes)
    figure = Figure(figsize=(7 * min(number, 2), 4.6 * -(-number // 2)), dpi=110, layout='constrained')
    panels = figure.subplots(-(-number // 2), min(number, 2), squeeze=False, sharex='col')
    for panel in panels.flat[number:]:
        panel.set_visible(False)
    for panel, (title, parts) in zip(panels.flat, passes.items(), strict=False):
        shown = _shortened(parts, most)
        left = [0.0] * len(shown)
        for colour, group in zip(COLOURS, next(iter(parts.values())), strict=False):
            widths = [times[group] for times in shown.values()]
            panel.barh(list(shown), widths, left=left, color=colour, label=group)
            left = [start + width for start, width in zip(left, widths, strict=True)]
        panel.invert_yaxis()
        panel.grid(axis='x', alpha=0.3)
        panel.tick_params(axis='x', labelbottom=True)
        panel.set(xlabel='ms')
        panel.set_title(f'{title}: {sum(left):.0f} ms', fontsize='medium', loc='right')
    panels.flat[0].legend(title='stride of the maps')
    return figure


def _shortened(parts: Mapping, most: int) -> dict[str, dict[str, float]]:
    """The parts that take most, and one that stands for the others."""
    items = list(parts.items())
    if len(items) <= most:
        return dict(items)
    kept, others = items[: most - 1], items[most - 1 :]
    groups = others[0][1]
    rest = {group: sum(times[group] for _, times in others) for group in groups}
    return dict([*kept, (f'{len(others)} others', rest)])
