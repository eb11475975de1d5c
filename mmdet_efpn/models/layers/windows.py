"""Cutting maps into attention windows without padding them, and joining the windows again.

The usual way to shifted windows pads a map to a multiple of the window, rolls it, and masks what does
not belong together out of each softmax. Tokens then attend to each other exactly where they share a
cell of a window grid that starts ``shift`` rows and columns inside the map and is cut off at its
borders. So the map is cut along that grid: one batch of whole windows and, at the borders, up to eight
batches of smaller ones. Nothing is padded, rolled or masked, and nothing outside the map is computed.
"""
from typing import NamedTuple

import torch
from torch import Tensor


class Segment(NamedTuple):
    """``count`` windows of one ``size``, side by side from ``start`` along one axis; in cells."""
    start: int
    size: int
    count: int


def segments(length: int, window: int, shift: int = 0) -> list[Segment]:
    """Cuts an axis into windows.

    Args:
        length (int): Cells of the axis.
        window (int): Cells of a whole window.
        shift (int): Where the first whole window starts; what lies before it is one smaller window.

    Returns:
        list[Segment]: what lies before, the whole windows, and what is left over; only those that
        hold cells.

    Example:
        >>> [tuple(segment) for segment in segments(21, window=8, shift=4)]
        [(0, 4, 1), (4, 8, 2), (20, 1, 1)]
    """
    before = min(shift, length)
    whole, rest = divmod(length - before, window)
    cut = [Segment(0, before, 1), Segment(before, window, whole), Segment(length - rest, rest, 1)]
    return [segment for segment in cut if segment.size and segment.count]


def cut_windows(tokens: Tensor, rows: Segment, columns: Segment, halo: int = 0) -> Tensor:
    """Gives the windows of one batch, heads apart, in one copy.

    Args:
        tokens (Tensor): (B, H + 2 halo, W + 2 halo, parts, heads, d); parts are q, k, v or k, v.
        rows (Segment): Windows along the height, counted without the halo.
        columns (Segment): Windows along the width.
        halo (int): How many cells a window reaches beyond its own on each side.

    Returns:
        Tensor: (parts, B * windows, heads, cells of a window, d).
    """
    for axis, (start, size, count) in ((1, rows), (2, columns)):
        tokens = tokens.narrow(axis, start, size * count + 2 * halo)
    if halo:  # overlapping views: (B, rows, columns, parts, heads, d, h, w)
        tokens = tokens.unfold(1, rows.size + 2 * halo, rows.size)
        tokens = tokens.unfold(2, columns.size + 2 * halo, columns.size)
        tokens = tokens.permute(3, 0, 1, 2, 4, 6, 7, 5)
    else:  # (B, rows, h, columns, w, parts, heads, d)
        tokens = tokens.unflatten(2, (columns.count, columns.size))
        tokens = tokens.unflatten(1, (rows.count, rows.size))
        tokens = tokens.permute(5, 0, 1, 3, 6, 2, 4, 7)
    parts, batch, _, _, heads, height, width, depth = tokens.shape
    return tokens.reshape(
        parts, batch * rows.count * columns.count, heads, height * width, depth)


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
    tokens = windows.reshape(
        -1, rows.count, columns.count, heads, rows.size, columns.size, depth)
    tokens = tokens.permute(0, 1, 4, 2, 5, 3, 6)  # B, rows, h, columns, w, heads, d
    return tokens.reshape(
        -1, rows.count * rows.size, columns.count * columns.size, heads * depth)


def join_parts(parts: list[list[Tensor]]) -> Tensor:
    """Puts a grid of (B, h, w, C) parts, row by row, together to a map (B, H, W, C)."""
    rows = [row[0] if len(row) == 1 else torch.cat(row, dim=2) for row in parts]
    return rows[0] if len(rows) == 1 else torch.cat(rows, dim=1)
