"""Convolutions on tiles against convolutions on the whole map, for any map, tile and RoIs."""

import torch
import torch.nn.functional as F
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mmdet_efpn.models.necks.on_demand.tiles import TileGrid, cut, paste

ANY = settings(deadline=None, max_examples=50, derandomize=True, database=None)
SIDES = st.integers(1, 50)
# Columns and rows in quarter cells, some of them far outside the map.
PLACES = st.integers(-120, 320).map(lambda quarters: quarters / 4)
AREAS = st.lists(st.tuples(st.integers(0, 1), PLACES, PLACES, PLACES, PLACES), max_size=4)


def convolved(fine, coarse, kernel, times):
    """``times`` 3x3 convs, padded by zeros, of a map and the upsampled map of half its size."""
    out = fine + F.interpolate(coarse, scale_factor=2)[:, :, : fine.shape[2], : fine.shape[3]]
    for _ in range(times):
        out = F.conv2d(out, kernel, padding=1)
    return out


@ANY
@given(SIDES, SIDES, st.integers(1, 10), st.integers(0, 5), AREAS)
@example(30, 30, 4, 2, [(1, 7.75, 15.75, 8, 16)])  # just over the edges of tiles
def test_tiles_under_areas_are_those_of_the_whole_map(height, width, half_tile, times, areas):
    generator = torch.Generator().manual_seed(height * width)
    coarse_size = (height + 1) // 2, (width + 1) // 2
    fine = torch.rand(2, 1, height, width, generator=generator, dtype=torch.float64)
    coarse = torch.rand(2, 1, *coarse_size, generator=generator, dtype=torch.float64)
    kernel = torch.rand(1, 1, 3, 3, generator=generator, dtype=torch.float64)
    kernel /= kernel.sum()
    grid = TileGrid((height, width), 2 * half_tile, halo=times, align=2)
    boxes = torch.tensor([area[1:] for area in areas]).reshape(-1, 2, 2)
    low, high = boxes.amin(1), boxes.amax(1)
    images = torch.tensor([area[0] for area in areas], dtype=torch.long)
    windows = grid.windows(grid.touched(torch.cat((low, high), dim=1), images, 2))
    pasted = torch.full_like(fine, torch.nan)
    for group in windows:
        results = convolved(cut(fine, group), cut(coarse, group, scale=2), kernel, times)
        paste(results, group, pasted)
    whole, known = convolved(fine, coarse, kernel, times), ~pasted.isnan()
    torch.testing.assert_close(pasted[known], whole[known], rtol=1e-12, atol=1e-12)
    for image, (left, top), (right, bottom) in zip(
        images.tolist(), low.floor().int().tolist(), high.floor().int().tolist(), strict=True
    ):
        rows = slice(min(max(top, 0), height - 1), min(max(bottom, 0), height - 1) + 1)
        columns = slice(min(max(left, 0), width - 1), min(max(right, 0), width - 1) + 1)
        assert known[image, 0, rows, columns].all()
    assert areas or not known.any()
