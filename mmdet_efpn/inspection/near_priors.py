"""Anchors or points near boxes: those that can become positive, without making all the others."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor


class NearPriors(NamedTuple):
    """Some anchors or points of a picture.

    Attributes:
        priors: (m, 4) anchors or (m, 2) points in pixels, level by level, in MMDetection's order.
        by_level: How many are of each level.
    """

    priors: Tensor
    by_level: list[int]

    @property
    def levels(self) -> Tensor:
        """The level (m,) of each."""
        return torch.repeat_interleave(torch.arange(len(self.by_level)), torch.tensor(self.by_level))


def grid_sizes(generator: Any, height: int, width: int) -> list[tuple[int, int]]:
    """Height and width in cells of each level of a picture."""
    return [(-(-height // int(y)), -(-width // int(x))) for x, y in generator.strides]


def near_priors(
    generator: Any, boxes: Tensor, grids: Sequence[tuple[int, int]], margin: int = 1
) -> NearPriors:
    """The anchors or points of a picture that touch a box or are near the centre of one.

    All others have an IoU of 0 with every box and are in none, so that MaxIoU and FCOS take them for
    background; so does ATSS, if ``margin`` is above the number of candidates that it takes a level.

    Args:
        generator (Any): A prior generator of MMDetection, with ``sparse_priors``.
        boxes (Tensor): (n, 4) ``x1, y1, x2, y2`` in pixels.
        grids (Sequence[tuple[int, int]]): Height and width in cells of each level.
        margin (int): Cells around the centre of a box that count as near. Default 1.

    Returns:
        NearPriors: Made by the generator's ``sparse_priors``.
    """
    corners, parts = boxes.numpy().astype(float), []
    for level, (grid, stride) in enumerate(zip(grids, generator.strides, strict=True)):
        low, high = _reach(generator, level, stride)
        cells = np.flatnonzero(_touched(corners, grid, np.array(stride, float), low, high, margin))
        each = int(generator.num_base_priors[level])
        places = torch.from_numpy((cells[:, None] * each + np.arange(each)).reshape(-1))
        parts.append(generator.sparse_priors(places, grid, level, torch.float32, 'cpu'))
    return NearPriors(torch.cat(parts), [len(part) for part in parts])


def _reach(generator: Any, level: int, stride: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """From where to where (x, y) the anchors or the point of a level's first cell lie, in pixels."""
    if hasattr(generator, 'base_anchors'):
        anchors = generator.base_anchors[level].numpy().astype(float)
        return anchors[:, :2].min(0), anchors[:, 2:].max(0)
    point = np.array(stride, float) * float(generator.offset)
    return point, point


def _touched(
    boxes: np.ndarray,
    grid: tuple[int, int],
    stride: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    margin: int,
) -> np.ndarray:
    """Whether each cell (h, w) has an anchor or point that touches a box or is near a centre."""
    centre = ((boxes[:, :2] + boxes[:, 2:]) / 2 - (low + high) / 2) / stride
    first = np.minimum((boxes[:, :2] - high) / stride, centre - margin)
    last = np.maximum((boxes[:, 2:] - low) / stride, centre + margin)
    size = np.array(grid[::-1])
    first = np.clip(np.floor(first), 0, size).astype(int)
    last = np.clip(np.ceil(last) + 1, 0, size).astype(int)
    mask = np.zeros(grid, bool)
    for (left, top), (right, bottom) in zip(first.tolist(), last.tolist(), strict=True):
        mask[top:bottom, left:right] = True
    return mask
