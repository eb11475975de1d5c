"""Anchors or points near boxes: those that can become positive, without making all the others."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

# From sides (n, 1, 2) of boxes and (a, 2) of a level's anchors, and its stride (2,), all in pixels: how
# far (n, 2) from a box's centre along x and y the centres of anchors count as near.
Reach = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


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


def touching(boxes: np.ndarray, anchors: np.ndarray, stride: np.ndarray) -> np.ndarray:
    """The reach of anchors that touch a box, and of points in it."""
    return (boxes + anchors).max(1) / 2


def overlapping(iou: float) -> Reach:
    """The reach of anchors with at least that IoU, and of those that are as good as the best of a size.

    Along each axis, the overlap of an anchor of side a with a box of side b must be ``iou`` times the
    longer of the two. At a distance up to half of their difference the overlap does not change.
    """

    def reach(boxes: np.ndarray, anchors: np.ndarray, stride: np.ndarray) -> np.ndarray:
        good = (boxes + anchors) / 2 - iou * np.maximum(boxes, anchors)
        return np.maximum(good, np.abs(boxes - anchors) / 2).max(1)

    return reach


def nearest(amount: int) -> Reach:
    """The reach of the ``amount`` anchors of a level nearest to a centre; in a row, at a border."""

    def reach(boxes: np.ndarray, anchors: np.ndarray, stride: np.ndarray) -> np.ndarray:
        return np.broadcast_to(amount * stride, (len(boxes), 2))

    return reach


def grid_sizes(generator: Any, height: int, width: int) -> list[tuple[int, int]]:
    """Height and width in cells of each level of a picture."""
    return [(-(-height // int(y)), -(-width // int(x))) for x, y in generator.strides]


def near_priors(
    generator: Any, boxes: Tensor, grids: Sequence[tuple[int, int]], reach: Reach = touching
) -> NearPriors:
    """The anchors or points of a picture that are near a box.

    Args:
        generator (Any): A prior generator of MMDetection, with ``sparse_priors``.
        boxes (Tensor): (n, 4) ``x1, y1, x2, y2`` in pixels.
        grids (Sequence[tuple[int, int]]): Height and width in cells of each level.
        reach (Reach): What is near; a cell more is taken on each side. Default: what touches a box.

    Returns:
        NearPriors: Made by the generator's ``sparse_priors``.
    """
    corners, parts = boxes.numpy().astype(float), []
    centres, sides = (corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]
    for level, (grid, pair) in enumerate(zip(grids, generator.strides, strict=True)):
        stride = np.array(pair, float)
        place, sizes = _anchors(generator, level, stride)
        extent = reach(sides[:, None], sizes, stride)
        first, last = ((centres - place + sign * extent) / stride for sign in (-1, 1))
        cells = np.flatnonzero(_covered(first, last, grid))
        each = int(generator.num_base_priors[level])
        places = torch.from_numpy((cells[:, None] * each + np.arange(each)).reshape(-1))
        parts.append(generator.sparse_priors(places, grid, level, torch.float32, 'cpu'))
    return NearPriors(torch.cat(parts), [len(part) for part in parts])


def _anchors(generator: Any, level: int, stride: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Place (2,) and sizes (a, 2) of the anchors of a level's first cell, in pixels; 0 for points."""
    if hasattr(generator, 'base_anchors'):
        anchors = generator.base_anchors[level].numpy().astype(float)
        return (anchors[:, :2] + anchors[:, 2:]).mean(0) / 2, anchors[:, 2:] - anchors[:, :2]
    return stride * float(generator.offset), np.zeros((1, 2))


def _covered(first: np.ndarray, last: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Whether each cell (h, w) lies in one of n rectangles; their corners (n, 2) are x, y in cells."""
    size = np.array(grid[::-1])
    first = np.clip(np.floor(first) - 1, 0, size).astype(int)
    last = np.clip(np.ceil(last) + 2, 0, size).astype(int)
    mask = np.zeros(grid, bool)
    for (left, top), (right, bottom) in zip(first.tolist(), last.tolist(), strict=True):
        mask[top:bottom, left:right] = True
    return mask
