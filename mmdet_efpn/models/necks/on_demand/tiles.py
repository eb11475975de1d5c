"""Cutting a map into tiles, and the windows around them that convolutions need."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Span(NamedTuple):
    """A tile's extent along one axis, in cells.

    Attributes:
        start, stop (int): The tile itself.
        window_start, window_stop (int): The tile and what its convolutions read around it.
    """

    start: int
    stop: int
    window_start: int
    window_stop: int


class Window(NamedTuple):
    """One tile of one image of a batch."""

    image: int
    rows: Span
    columns: Span


class TileGrid:
    """The tiles of a map and their windows.

    A window never reaches over the map's border, so that zero padding happens in it where it happens on
    the whole map: there, too, convolutions in the window give what they give on the whole map. All
    windows have one size, but for those at the lower and right borders of a map whose size is no
    multiple of ``align``.

    Args:
        size (Sequence[int]): Height and width of the map, in cells.
        tile (int): Side of a tile, in cells, a multiple of ``align``.
        halo (int): How far around a tile its convolutions read, in cells; rounded up to a multiple of
            ``align``.
        align (int): Windows begin at multiples of this, so that cells of coarser maps are not cut.
    """

    def __init__(self, size: Sequence[int], tile: int, halo: int, align: int) -> None:
        halo = -(-halo // align) * align
        self.tile = tile
        self.rows, self.columns = (self._spans(side, tile, halo, align) for side in size)

    @staticmethod
    def _spans(length: int, tile: int, halo: int, align: int) -> list[Span]:
        window, spans = tile + 2 * halo, []
        last_start = max(length - window, 0) // align * align
        for start in range(0, length, tile):
            window_start = min(max(start - halo, 0), last_start)
            window_stop = length if window_start == last_start else window_start + window
            spans.append(Span(start, min(start + tile, length), window_start, window_stop))
        return spans

    def touched(self, areas: Tensor, images: Tensor, num_images: int) -> Tensor:
        """Which tiles lie under any of some rectangles of cells.

        Args:
            areas (Tensor): (n, 4), first column, first row, last column and last row of each, in cells;
                what lies beyond the map counts as its border.
            images (Tensor): (n,), the image that each lies in.
            num_images (int): Number of images B.

        Returns:
            Tensor: (B, tiles in a column, tiles in a row), bool.
        """
        shape = len(self.rows), len(self.columns)
        left, top, right, bottom = (areas.nan_to_num(0) // self.tile).unbind(1)
        left, right = (side.clamp(0, shape[1] - 1).long() for side in (left, right))
        top, bottom = (side.clamp(0, shape[0] - 1).long() for side in (top, bottom))
        # corners of each rectangle of tiles, whose running sums in both directions count its tiles
        one, images = torch.ones_like(left), images.long()
        count = one.new_zeros(num_images, shape[0] + 1, shape[1] + 1)
        for rows, columns, value in (
            (top, left, one),
            (bottom + 1, left, -one),
            (top, right + 1, -one),
            (bottom + 1, right + 1, one),
        ):
            count.index_put_((images, rows, columns), value, accumulate=True)
        return count.cumsum(1).cumsum(2)[:, :-1, :-1] > 0

    def windows(self, touched: Tensor) -> list[list[Window]]:
        """The windows of the tiles in ``touched``, those of equal size together."""
        groups = defaultdict(list)
        for image, row, column in touched.nonzero().tolist():
            window = Window(image, self.rows[row], self.columns[column])
            groups[tuple(span.window_stop - span.window_start for span in window[1:])].append(window)
        return list(groups.values())


def window_cells(windows: Sequence[Sequence[Window]]) -> int:
    """Number of cells in groups of windows, counted as often as they lie in one."""
    return sum(
        (w.rows.window_stop - w.rows.window_start) * (w.columns.window_stop - w.columns.window_start)
        for group in windows
        for w in group
    )


def cut(feature: Tensor, windows: Sequence[Window], scale: int = 1) -> Tensor:
    """The windows of a map, in one batch.

    Args:
        feature (Tensor): (B, C, H, W).
        windows (Sequence[Window]): Windows of one size, in cells of the finest map.
        scale (int): How many of those cells one of ``feature`` is wide; windows begin at multiples.

    Returns:
        Tensor: (number of windows, C, h, w).
    """

    def cells(span: Span) -> slice:
        return slice(span.window_start // scale, -(-span.window_stop // scale))

    return torch.stack([feature[w.image, :, cells(w.rows), cells(w.columns)] for w in windows])


def paste(results: Tensor, windows: Sequence[Window], onto: Tensor) -> None:
    """Writes each window's tile into a map.

    Args:
        results (Tensor): (number of windows, C, h, w).
        windows (Sequence[Window]): Where each belongs.
        onto (Tensor): (B, C, H, W), written in place.
    """
    for result, (image, rows, columns) in zip(results, windows, strict=True):
        onto[image, :, rows.start : rows.stop, columns.start : columns.stop] = result[
            :,
            rows.start - rows.window_start : rows.stop - rows.window_start,
            columns.start - columns.window_start : columns.stop - columns.window_start,
        ]
