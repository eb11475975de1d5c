"""Colours to tell classes apart."""

import colorsys


def distinct_colours(amount: int) -> list[tuple[int, int, int]]:
    """That many RGB colours; the hues lie an irrational step apart, so that neighbours differ."""
    hues = (number * 0.618 % 1 for number in range(amount))
    return [tuple(round(255 * c) for c in colorsys.hsv_to_rgb(hue, 0.75, 0.95)) for hue in hues]
