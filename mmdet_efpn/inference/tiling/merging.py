"""One list of objects from those of overlapping tiles: each object once, in the scene's pixels."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torchvision.ops import batched_nms

from ...utils.optional_packages import import_optional

LEFT, TOP, RIGHT, BOTTOM = range(4)
AT_EDGE = 2.0  # pixels between a box and the edge that cuts its object, at most
SHARE_AT_EDGE = 0.05  # or this share of the box's side, for large objects
ALIGNED = 0.5  # IoU along the seam from which two parts are of one object
INSIDE = 0.7  # share of a part that lies inside the whole, at least; to 2 pixels
_CHUNK = 2_000_000  # pairs of boxes that are compared at once


class Found(NamedTuple):
    """Objects: (n, 4) boxes ``x1, y1, x2, y2``, n scores, n class numbers."""

    bboxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray

    def take(self, which: np.ndarray) -> 'Found':
        """Some of them."""
        return Found(self.bboxes[which], self.scores[which], self.labels[which])


def merge_tiles(
    found: Sequence[Found],
    windows: Sequence[tuple[int, int, int, int]],
    size: tuple[int, int],
    method: str = 'nms',
    threshold: float = 0.5,
) -> Found:
    """The objects of a scene from those of its tiles.

    Args:
        found: Of each tile, in the tile's pixels.
        windows: ``x1, y1, x2, y2`` of each tile in the scene.
        size: Width and height of the scene.
        method: ``'nms'`` or ``'sahi'``; see :class:`Tiles`.
        threshold: As in :class:`Tiles`.

    Returns:
        Found: In the scene's pixels, the surest first.

    With ``'nms'``, where tiles overlap by ``o`` pixels, three things happen to what two tiles see.
    An object of at most ``o`` pixels a side is whole in one tile at least. What a neighbour sees of it
    ends at that tile's edge, inside the whole box: it goes, whatever its score. A larger object may be
    cut in every tile; both parts then end at the seam's edges that face each other, side by side, and
    become one box with the higher score. What is left twice is equal, and NMS by class keeps one.
    """
    if not found:
        return Found(np.zeros((0, 4)), np.zeros(0), np.zeros(0, dtype=int))
    amounts = [len(one.scores) for one in found]
    frames = np.repeat(np.asarray(windows, dtype=float).reshape(-1, 4), amounts, axis=0)
    boxes = np.concatenate([np.asarray(one.bboxes, dtype=float).reshape(-1, 4) for one in found])
    boxes = boxes + frames[:, [0, 1, 0, 1]]
    scores = np.concatenate([np.asarray(one.scores, dtype=float) for one in found])
    labels = np.concatenate([np.asarray(one.labels, dtype=int) for one in found])
    merged = MERGERS[method](Found(boxes, scores, labels), frames, size, threshold)
    return merged.take(np.argsort(-merged.scores, kind='stable'))


def by_nms(found: Found, frames: np.ndarray, size: tuple[int, int], threshold: float) -> Found:
    """Joins parts of one object, drops parts of whole ones, then NMS by class at an IoU."""
    found, cut = _joined(found, frames, _cut_sides(found.bboxes, frames, size))
    found = found.take(~_parts_of_others(found, cut))
    keep = batched_nms(
        torch.from_numpy(found.bboxes),
        torch.from_numpy(found.scores),
        torch.from_numpy(found.labels),
        threshold,
    )
    return found.take(keep.numpy())


def by_sahi(found: Found, frames: np.ndarray, size: tuple[int, int], threshold: float) -> Found:
    """SAHI's greedy non-maximum merging by the intersection over the smaller box, by its package."""
    combine = import_optional('sahi.postprocess.combine', 'infer', "merge='sahi'")
    rows = np.column_stack([found.bboxes, found.scores, found.labels]).astype(np.float32)
    groups = combine.batched_greedy_nmm(rows, 'IOS', threshold) if len(rows) else {}
    boxes, scores, labels = [], [], []
    for kept, others in groups.items():
        members = [kept, *others]
        corners = found.bboxes[members]
        boxes.append([*corners[:, :2].min(axis=0), *corners[:, 2:].max(axis=0)])
        scores.append(found.scores[members].max())
        labels.append(found.labels[kept])
    return Found(np.array(boxes).reshape(-1, 4), np.array(scores), np.array(labels, dtype=int))


MERGERS: dict[str, Callable[..., Found]] = {'nms': by_nms, 'sahi': by_sahi}


def _cut_sides(boxes: np.ndarray, frames: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(n, 4) Whether a box ends at its tile's left, top, right, bottom edge, inside the scene."""
    sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    near = np.abs(boxes - frames) <= np.maximum(AT_EDGE, SHARE_AT_EDGE * sides)
    border = np.array([0, 0, *size])
    return near & (frames != border)


def _joined(found: Found, frames: np.ndarray, cut: np.ndarray) -> tuple[Found, np.ndarray]:
    """Objects whose parts in neighbouring tiles are one box; and the sides on which each is cut."""
    parent = np.arange(len(found.scores))

    def root(one: int) -> int:
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    for along in (0, 1):  # pairs side by side, pairs one below the other
        for one, other in _facing(found, frames, cut, along):
            parent[root(other)] = root(one)
    roots = np.array([root(one) for one in range(len(parent))], dtype=int)
    _, groups = np.unique(roots, return_inverse=True)
    amount = groups.max() + 1 if len(groups) else 0
    boxes = np.tile([np.inf, np.inf, -np.inf, -np.inf], (amount, 1))
    scores, labels = np.zeros(amount), np.zeros(amount, dtype=int)
    np.minimum.at(boxes[:, :2], groups, found.bboxes[:, :2])
    np.maximum.at(boxes[:, 2:], groups, found.bboxes[:, 2:])
    np.maximum.at(scores, groups, found.scores)
    labels[groups] = found.labels
    # A whole object is still cut where its outermost part is: there the joined box ends too.
    still = np.zeros((amount, 4), dtype=bool)
    for side in range(4):
        outermost = np.isclose(found.bboxes[:, side], boxes[groups, side]) & cut[:, side]
        np.logical_or.at(still[:, side], groups, outermost)
    return Found(boxes, scores, labels), np.asarray(still.any(axis=1))


def _facing(found: Found, frames: np.ndarray, cut: np.ndarray, along: int):
    """Pairs of parts that end at facing edges of neighbouring tiles, beside each other, of one class."""
    across = 1 - along
    start, end = along, along + 2
    firsts, seconds = np.flatnonzero(cut[:, end]), np.flatnonzero(cut[:, start])
    if not len(firsts) or not len(seconds):
        return
    step = max(1, _CHUNK // len(seconds))
    for begin in range(0, len(firsts), step):
        one = firsts[begin : begin + step, None]
        other = seconds[None]
        # The seam: from where the second tile begins to where the first one ends.
        fits = (frames[other, start] > frames[one, start]) & (frames[other, start] <= frames[one, end])
        fits &= (frames[other, end] > frames[one, end]) & (found.labels[one] == found.labels[other])
        fits &= frames[other, across] == frames[one, across]
        fits &= found.bboxes[one, start] < found.bboxes[other, start]
        fits &= found.bboxes[one, end] < found.bboxes[other, end]
        fits &= found.bboxes[one, end] >= found.bboxes[other, start] - 2 * AT_EDGE
        rows, columns = np.nonzero(fits)
        rows, columns = firsts[begin + rows], seconds[columns]
        low, high = across, across + 2
        lower, upper = found.bboxes[rows], found.bboxes[columns]
        shared = np.minimum(lower[:, high], upper[:, high]) - np.maximum(lower[:, low], upper[:, low])
        union = np.maximum(lower[:, high], upper[:, high]) - np.minimum(lower[:, low], upper[:, low])
        aligned = shared >= ALIGNED * np.maximum(union, 1e-9)
        yield from zip(rows[aligned].tolist(), columns[aligned].tolist(), strict=True)


def _parts_of_others(found: Found, cut: np.ndarray) -> np.ndarray:
    """(n,) Whether a cut object is a part of another box of its class: most of it lies inside that."""
    part = np.zeros(len(cut), dtype=bool)
    candidates = np.flatnonzero(cut)
    if not len(candidates):
        return part
    areas = (found.bboxes[:, 2:] - found.bboxes[:, :2]).prod(axis=1)
    step = max(1, _CHUNK // len(cut))
    for begin in range(0, len(candidates), step):
        one = candidates[begin : begin + step]
        low = np.maximum(found.bboxes[one, None, :2], found.bboxes[None, :, :2] - AT_EDGE)
        high = np.minimum(found.bboxes[one, None, 2:], found.bboxes[None, :, 2:] + AT_EDGE)
        inside = (high - low).clip(min=0).prod(axis=2)
        larger = areas[None] > areas[one, None]
        larger |= (areas[None] == areas[one, None]) & ~cut[None]
        same = found.labels[None] == found.labels[one, None]
        part[one] = ((inside >= INSIDE * areas[one, None]) & larger & same).any(axis=1)
    return part
