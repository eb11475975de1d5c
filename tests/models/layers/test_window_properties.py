"""Cutting maps into windows and joining them again, for any size, window, shift and chunk."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmdet_efpn.models.layers.windows import (
    add_windows,
    cut_map,
    cut_windows,
    join_parts,
    join_windows,
    segments,
    with_halo,
)

ANY = settings(deadline=None, max_examples=50, derandomize=True, database=None)
LENGTHS, WINDOWS, CHUNKS = st.integers(1, 30), st.integers(1, 9), st.integers(1, 4)


def values(*shape):
    """Small whole numbers, whose sums are exact."""
    return torch.randint(-9, 10, shape, generator=torch.Generator().manual_seed(sum(shape))).double()


@st.composite
def grids(draw):
    """Height and width of a map, and the segments of both axes."""
    size, window, most = (draw(LENGTHS), draw(LENGTHS)), draw(WINDOWS), draw(CHUNKS)
    shift = draw(st.integers(0, window - 1))
    return (*size, *(segments(length, window, shift, most) for length in size))


@ANY
@given(LENGTHS, WINDOWS, st.data())
def test_segments_cover_each_cell_once(length, window, data):
    shift, most = data.draw(st.integers(0, window - 1)), data.draw(CHUNKS)
    cells = [
        (start + i * size, size)
        for start, size, count in segments(length, window, shift, most)
        for i in range(count)
    ]
    assert [start for start, _ in cells] == [0, *(start + size for start, size in cells)][:-1]
    assert sum(cells[-1]) == length
    assert all(1 <= size <= window for _, size in cells)
    assert all(size == window for _, size in cells[1:-1])
    assert all((start - shift) % window == 0 for start, _ in cells[1:])


@ANY
@given(grids())
def test_joined_windows_are_the_map(grid):
    height, width, rows, columns = grid
    tokens = values(2, height, width, 1, 3, 2)
    parts = cut_map(tokens, rows, columns)
    joined = [
        [
            join_windows(cut_windows(part, row, column)[0], row, column)
            for part, column in zip(strip, columns, strict=True)
        ]
        for strip, row in zip(parts, rows, strict=True)
    ]
    assert torch.equal(join_parts(joined), tokens.reshape(2, height, width, 6))


@ANY
@given(grids(), st.integers(0, 4))
def test_adding_windows_is_the_transpose_of_cutting_them(grid, halo):
    """For all maps x and windows y, <cut(x), y> = <x, add(y)>: what the backward pass needs."""
    height, width, rows, columns = grid
    tokens = values(2, height, width, 1, 3, 2)
    added, expected = torch.zeros_like(tokens[:, :, :, 0]), 0.0
    for row in rows:
        for column in columns:
            (windows,) = cut_windows(with_halo(tokens, row, column, halo), row, column, halo)
            weights = values(*windows.shape)
            expected += (windows * weights).sum()
            add_windows(added, weights, row, column, halo)
    assert (tokens[:, :, :, 0] * added).sum() == expected
