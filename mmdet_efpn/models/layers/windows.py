"""Cutting maps into attention windows without padding them, and joining the windows again.

The usual way to shifted windows pads a map to a multiple of the window, rolls it, and masks what does
not belong together out of each softmax. Tokens then attend to each other exactly where they share a
cell of a window grid that starts ``shift`` rows and columns inside the map and is cut off at its
borders. So the map is cut along that grid: one batch of whole windows and, at the borders, up to eight
batches of smaller ones. Nothing is padded, rolled or masked, and nothing outside the map is computed.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class Segment(NamedTuple):
    """``count`` windows of one ``size``, side by side from ``start`` along one axis; in cells."""

    start: int
    size: int
    count: int


def segments(length: int, window: int, shift: int = 0, most: int | float = math.inf) -> list[Segment]:
    """Cuts an axis into windows.

    Args:
        length (int): Cells of the axis.
        window (int): Cells of a whole window.
        shift (int): Where the first whole window starts; what lies before it is one smaller window.
        most (int | float): Largest ``count``. Default: no limit.

    Returns:
        list[Segment]: what lies before, the whole windows, and what is left over; only those that
        hold cells.

    Example:
        >>> [tuple(segment) for segment in segments(21, window=8, shift=4)]
        [(0, 4, 1), (4, 8, 2), (20, 1, 1)]
        >>> [tuple(segment) for segment in segments(40, window=8, most=3)]
        [(0, 8, 3), (24, 8, 2)]
    """
    before = min(shift, length)
    whole, rest = divmod(length - before, window)
    cut = [Segment(0, before, 1)]
    while whole:
        count = min(whole, most)
        cut.append(Segment(length - rest - whole * window, window, count))
        whole -= count
    cut.append(Segment(length - rest, rest, 1))
    return [segment for segment in cut if segment.size and segment.count]


def cut_map(tokens: Tensor, rows: list[Segment], columns: list[Segment]) -> list[list[Tensor]]:
    """Splits a map (B, H, W, ...) into the parts that segments of both axes make; views, row by row.

    Splitting, unlike slicing part by part, gives the map its gradient in one piece.
    """
    heights, widths = ([segment.size * segment.count for segment in cut] for cut in (rows, columns))
    return [list(strip.split(widths, 2)) for strip in tokens.split(heights, 1)]


def with_halo(tokens: Tensor, rows: Segment, columns: Segment, halo: int) -> Tensor:
    """One part of a map (B, H, W, parts, heads, d) and ``halo`` cells around it, zero outside."""
    place, (top, bottom, left, right) = _clip(tokens, rows, columns, halo)
    part = tokens[place]
    padded = top or bottom or left or right
    return F.pad(part, (0, 0, 0, 0, 0, 0, left, right, top, bottom)) if padded else part


def _clip(tokens: Tensor, rows: Segment, columns: Segment, halo: int) -> tuple[tuple, list[int]]:
    """Index of a part with its halo, and how many cells of it are outside: top, bottom, left, right."""
    place, outside = [slice(None)], []
    for (start, size, count), length in zip((rows, columns), tokens.shape[1:3], strict=True):
        first, end = start - halo, start + size * count + halo
        place.append(slice(max(first, 0), min(end, length)))
        outside += [max(-first, 0), max(end - length, 0)]
    return tuple(place), outside


def cut_windows(part: Tensor, rows: Segment, columns: Segment, halo: int = 0) -> Tensor:
    """Gives the windows of one part of a map, heads apart, in one copy.

    Windows that overlap are views of the part until that copy, which makes the layout that attention
    kernels read; in chunks (see ``map_attention``) it is of a few windows at a time.

    Args:
        part (Tensor): (B, h + 2 halo, w + 2 halo, parts, heads, d); parts are some of q, k, v.
        rows (Segment): Windows along the height h.
        columns (Segment): Windows along the width w.
        halo (int): How many cells a window reaches beyond its own on each side.

    Returns:
        Tensor: (parts, B * windows, heads, cells of a window, d).
    """
    if halo:  # overlapping views: (B, rows, columns, parts, heads, d, h, w)
        part = part.unfold(1, rows.size + 2 * halo, rows.size)
        part = part.unfold(2, columns.size + 2 * halo, columns.size)
        part = part.permute(3, 0, 1, 2, 4, 6, 7, 5)
    else:  # (B, rows, h, columns, w, parts, heads, d)
        part = part.unflatten(2, (columns.count, columns.size))
        part = part.unflatten(1, (rows.count, rows.size))
        part = part.permute(5, 0, 1, 3, 6, 2, 4, 7)
    parts, batch, _, _, heads, height, width, depth = part.shape
    return part.reshape(parts, batch * rows.count * columns.count, heads, height * width, depth)


def join_windows(windows: Tensor, rows: Segment, columns: Segment) -> Tensor:
    """Lays windows out as the part of the map they were cut from.

    Args:
        windows (Tensor): (B * windows, heads, cells of a window, d).
        rows (Segment): Windows along the height.
        columns (Segment): Windows along the width.

    Returns:
        Tensor: (B, rows.size * rows.count, columns.size * columns.count, heads * d).
    """
    heads, depth = windows.shape[1], windows.shape[3]
    tokens = windows.reshape(-1, rows.count, columns.count, heads, rows.size, columns.size, depth)
    tokens = tokens.permute(0, 1, 4, 2, 5, 3, 6)  # B, rows, h, columns, w, heads, d
    return tokens.reshape(-1, rows.count * rows.size, columns.count * columns.size, heads * depth)


def add_windows(tokens: Tensor, windows: Tensor, rows: Segment, columns: Segment, halo: int = 0) -> None:
    """Adds windows to the places of a map that :func:`cut_windows` takes them from.

    Args:
        tokens (Tensor): (B, H, W, heads, d), changed in place.
        windows (Tensor): (B * windows, heads, cells of a window, d).
        rows (Segment): Windows along the height.
        columns (Segment): Windows along the width.
        halo (int): How many cells a window reaches beyond its own on each side; those outside the map
            are left out.
    """
    if halo and rows.count * columns.count > 1:  # one by one, for they overlap
        windows = windows.unflatten(0, (-1, rows.count, columns.count))
        for i in range(rows.count):
            row = Segment(rows.start + i * rows.size, rows.size, 1)
            for j in range(columns.count):
                column = Segment(columns.start + j * columns.size, columns.size, 1)
                add_windows(tokens, windows[:, i, j], row, column, halo)
        return
    part = join_windows(
        windows, *(Segment(0, segment.size + 2 * halo, segment.count) for segment in (rows, columns))
    )
    place, (top, bottom, left, right) = _clip(tokens, rows, columns, halo)
    part = part[:, top : part.shape[1] - bottom, left : part.shape[2] - right]
    tokens[place] += part.unflatten(-1, tokens.shape[-2:])


def join_parts(parts: list[list[Tensor]]) -> Tensor:
    """Puts a grid of (B, h, w, C) parts, row by row, together to a map (B, H, W, C)."""
    rows = [row[0] if len(row) == 1 else torch.cat(row, dim=2) for row in parts]
    return rows[0] if len(rows) == 1 else torch.cat(rows, dim=1)
