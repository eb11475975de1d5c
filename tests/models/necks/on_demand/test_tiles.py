"""Tiles and windows against loops over single cells."""

import pytest
import torch

from mmdet_efpn.models.necks.on_demand.tiles import TileGrid, cut, paste, window_cells

GRIDS = [((64, 64), 16, 4), ((61, 47), 16, 5), ((8, 90), 16, 3), ((33, 33), 32, 7), ((3, 5), 16, 2)]


def all_windows(size, tile, halo, images=1):
    grid = TileGrid(size, tile, halo, align=2)
    return grid.windows(torch.ones(images, len(grid.rows), len(grid.columns), dtype=torch.bool))


@pytest.mark.parametrize(('size', 'tile', 'halo'), GRIDS)
def test_tiles_cover_every_cell_once_and_windows_the_halo_around(size, tile, halo):
    count = torch.zeros(size)
    for group in all_windows(size, tile, halo):
        for _, rows, columns in group:
            count[rows.start : rows.stop, columns.start : columns.stop] += 1
            for span, length in ((rows, size[0]), (columns, size[1])):
                assert span.window_start <= max(span.start - halo, 0)
                assert span.window_stop >= min(span.stop + halo, length)
                assert span.window_start >= 0
                assert span.window_stop <= length
                assert span.window_start % 2 == 0
                assert span.window_stop % 2 == 0 or span.window_stop == length
    assert (count == 1).all()


@pytest.mark.parametrize(('size', 'tile', 'halo'), GRIDS)
def test_windows_have_few_sizes_and_are_grouped_by_them(size, tile, halo):
    groups = all_windows(size, tile, halo)
    sizes = [
        {
            (rows.window_stop - rows.window_start, columns.window_stop - columns.window_start)
            for _, rows, columns in group
        }
        for group in groups
    ]
    assert all(len(group) == 1 for group in sizes)
    assert len(groups) <= 4
    assert window_cells(groups) == sum(
        len(group) * height * width for group, ((height, width),) in zip(groups, sizes, strict=True)
    )


def test_touched_tiles_equal_those_found_cell_by_cell():
    generator = torch.Generator().manual_seed(0)
    grid = TileGrid((61, 47), tile=8, halo=4, align=2)
    low = torch.rand(30, 2, generator=generator) * 90 - 20
    areas = torch.cat((low, low + torch.rand(30, 2, generator=generator) * 25), dim=1)
    images = torch.randint(0, 3, (30,), generator=generator)
    expected = torch.zeros(3, 8, 6, dtype=torch.bool)
    for (left, top, right, bottom), image in zip(areas.tolist(), images.tolist(), strict=True):
        for row in range(int(top // 1), int(bottom // 1) + 1):
            for column in range(int(left // 1), int(right // 1) + 1):
                expected[image, min(max(row, 0), 60) // 8, min(max(column, 0), 46) // 8] = True
    assert 10 < expected.sum() < 120
    assert torch.equal(grid.touched(areas, images, 3), expected)
    assert not grid.touched(areas[:0], images[:0], 3).any()


@pytest.mark.parametrize(('size', 'tile', 'halo'), GRIDS)
def test_cut_and_paste_are_inverse(size, tile, halo):
    torch.manual_seed(0)
    feature = torch.randn(2, 3, *size)
    pasted = torch.full_like(feature, torch.nan)
    for group in all_windows(size, tile, halo, images=2):
        paste(cut(feature, group), group, pasted)
    assert torch.equal(pasted, feature)


def test_cut_of_a_coarser_map_is_what_lies_under_the_window():
    coarse = torch.arange(7 * 9.0).reshape(1, 1, 7, 9)
    fine = coarse.repeat_interleave(2, 2).repeat_interleave(2, 3)[:, :, :13, :17]
    for group in all_windows((13, 17), tile=4, halo=2):
        under = cut(coarse, group, scale=2).repeat_interleave(2, 2).repeat_interleave(2, 3)
        windows = cut(fine, group)
        assert torch.equal(under[:, :, : windows.shape[2], : windows.shape[3]], windows)
