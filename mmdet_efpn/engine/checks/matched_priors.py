"""How many boxes a level's anchors or points can learn from, by a plain rule."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from mmdet.models.task_modules import MaxIoUAssigner
from torch import Tensor

from ...datasets import Boxes

_EDGE = 1e-4  # px; a point on a box's side is not inside


class MatchedBoxes(NamedTuple):
    """Which boxes a level's anchors or points match.

    Attributes:
        strides: Stride (x, y) of each of the L levels.
        hit: (L, n) bool, all boxes in the order of the samples.
        rule: What counts as a match, in words.
    """

    strides: list[tuple[float, float]]
    hit: Tensor
    rule: str


class UnmatchedShares(NamedTuple):
    """Shares (0 to 1) of boxes that no anchor or point matches.

    Attributes:
        by_level: Stride (x, y) of each level and the share there.
        on_all: The share that no level matches.
        rule: What counts as a match, in words.
    """

    by_level: list[tuple[tuple[float, float], float]]
    on_all: float
    rule: str


def unwrapped(detector: Any) -> Any:
    """The detector inside a built model that wraps one, or the model itself."""
    detector = getattr(detector, 'module', detector)
    for inner in ('detector', 'student'):
        while hasattr(detector, inner) and not hasattr(detector, 'backbone'):
            detector = getattr(detector, inner)
    return detector


def dense_head(detector: Any) -> Any | None:
    """The head of a built detector whose priors meet the boxes first: its RPN, or its only dense one."""
    detector = unwrapped(detector)
    for name in ('rpn_head', 'bbox_head', 'mask_head'):
        head = getattr(detector, name, None)
        head = getattr(head, 'head', head)  # inside PlainLevelsHead
        if getattr(head, 'prior_generator', None) is not None:
            return head
    return None


def unmatched_shares(detector: Any, samples: Sequence[Boxes]) -> UnmatchedShares | None:
    """The share of boxes that nothing matches, level by level, by the rule of :func:`matched_boxes`.

    Args:
        detector: A built detector.
        samples (Sequence[Boxes]): Boxes in pixels of the pictures that the detector sees.

    Returns:
        UnmatchedShares | None: ``None`` where the detector has neither anchors nor points, or there is
        no box.
    """
    found = matched_boxes(detector, samples)
    if found is None:
        return None
    missed = 1 - found.hit.float().mean(1)
    by_level = list(zip(found.strides, missed.tolist(), strict=True))
    return UnmatchedShares(by_level, 1 - found.hit.any(0).float().mean().item(), found.rule)


def matched_boxes(detector: Any, samples: Sequence[Boxes]) -> MatchedBoxes | None:
    """Which boxes each level matches, without running an assigner.

    - Anchors under ``MaxIoUAssigner``: a box is matched if one of the level's anchors around its centre
      has an IoU of at least ``pos_iou_thr`` with it. The assigner's rule for boxes without such an
      anchor (``match_low_quality``) is left out: it gives them one anchor of poor IoU.
    - Points and all other assigners (FCOS, ATSS, SimOTA): a box is matched if the centre of an anchor,
      or a point, of the level lies inside it and, where the head has ``regress_ranges``, if its
      farthest side from there is in the level's range.

    Args:
        detector: A built detector.
        samples (Sequence[Boxes]): Boxes in pixels of the pictures that the detector sees.

    Returns:
        MatchedBoxes | None: ``None`` where the detector has neither anchors nor points, or there is
        no box.
    """
    head = dense_head(detector)
    boxes = [sample.boxes for sample in samples if len(sample.boxes)]
    if head is None or not boxes:
        return None
    every = torch.cat(boxes).cpu()
    sides = _picture_sides(samples)
    generator, assigner = head.prior_generator, getattr(head, 'assigner', None)
    by_iou = isinstance(assigner, MaxIoUAssigner) and hasattr(generator, 'base_anchors')
    # VFNet has FCOS's ranges and does not read them
    limits = None if assigner is not None else getattr(head, 'regress_ranges', None)
    strides = [(float(x), float(y)) for x, y in generator.strides]
    matched = []
    for level, stride in enumerate(strides):
        if by_iou:
            hit = best_iou(every, sides, generator.base_anchors[level].cpu(), stride)
            hit = hit >= assigner.pos_iou_thr
        else:
            offset, limit = _offset(generator, level, stride), limits[level] if limits else None
            hit = _holds_a_point(every, sides, offset, stride, limit)
        matched.append(hit)
    rule = f'IoU >= {assigner.pos_iou_thr:g} with an anchor' if by_iou else 'a point inside the box'
    if not by_iou and limits:
        rule += " that is in its level's range"
    return MatchedBoxes(strides, torch.stack(matched), rule)


def _picture_sides(samples: Sequence[Boxes]) -> Tensor:
    """Width and height (n, 2) of the picture of each box."""
    return torch.cat(
        [torch.tensor([[s.width, s.height]]).expand(len(s.boxes), 2) for s in samples if len(s.boxes)]
    )


def _offset(generator: Any, level: int, stride: tuple[float, float]) -> Tensor:
    """Place (2,) of a level's first point or anchor centre, in pixels."""
    if hasattr(generator, 'base_anchors'):
        anchor = generator.base_anchors[level].cpu()[0]
        return (anchor[:2] + anchor[2:]) / 2
    return torch.tensor(stride) * float(getattr(generator, 'offset', 0.5))


def _cells(boxes: Tensor, sides: Tensor, offset: Tensor, stride: tuple[float, float]) -> Tensor:
    """Places (n, 9, 2) of a level's cells around the centres of boxes, inside their pictures."""
    step = torch.tensor(stride)
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    nearest = ((centre - offset) / step).round()  # n, 2
    around = torch.cartesian_prod(torch.arange(-1.0, 2), torch.arange(-1.0, 2))  # 9, 2
    last = (sides / step).ceil() - 1  # n, 2
    cells = (nearest[:, None] + around).clamp(min=0)
    return offset + torch.minimum(cells, last[:, None].clamp(min=0)) * step


def best_iou(boxes: Tensor, sides: Tensor, anchors: Tensor, stride: tuple[float, float]) -> Tensor:
    """The best IoU of each box with a level's anchors around its centre.

    Args:
        boxes (Tensor): (n, 4) ``x1, y1, x2, y2`` in pixels.
        sides (Tensor): (n, 2) width and height in pixels of the pictures that they are in.
        anchors (Tensor): (a, 4) anchors of the level's first cell, in pixels.
        stride (tuple[float, float]): Of the level, (x, y) in pixels.

    Returns:
        Tensor: (n,) IoUs from 0 to 1.
    """
    best = torch.zeros(len(boxes))
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(-1)
    for anchor in anchors:
        middle, size = (anchor[:2] + anchor[2:]) / 2, anchor[2:] - anchor[:2]
        places = _cells(boxes, sides, middle, stride)  # n, 9, 2
        low = torch.maximum(places - size / 2, boxes[:, None, :2])
        high = torch.minimum(places + size / 2, boxes[:, None, 2:])
        overlap = (high - low).clamp(min=0).prod(-1)  # n, 9
        union = size.prod() + areas[:, None] - overlap
        best = torch.maximum(best, (overlap / union.clamp(min=1e-6)).amax(-1))
    return best


def _holds_a_point(
    boxes: Tensor,
    sides: Tensor,
    offset: Tensor,
    stride: tuple[float, float],
    limits: tuple[float, float] | None,
) -> Tensor:
    """Whether a point of a level lies in each box (n,), its farthest side within ``limits``.

    The farthest side is the farther of both axes'. So each axis alone gives the farthest that a point
    may be within the upper limit, and the farther of the two must reach the lower one.
    """
    low, high = limits or (0.0, math.inf)
    along = [
        _farthest(boxes[:, axis], boxes[:, axis + 2], sides[:, axis], offset[axis], stride[axis], high)
        for axis in (0, 1)
    ]
    return (torch.stack(along).amin(0) >= 0) & (torch.stack(along).amax(0) >= low)


def _farthest(
    start: Tensor, end: Tensor, length: Tensor, offset: Tensor, step: float, limit: float
) -> Tensor:
    """The longest distance (n,) from a point in an interval to an end, up to a limit; -1: none."""
    last = (length / step).ceil() - 1
    found = torch.full_like(start, -1.0)
    right = torch.minimum(start + limit, end - _EDGE)
    left = torch.maximum(end - limit, start + _EDGE)
    for cell in (((right - offset) / step).floor(), ((left - offset) / step).ceil()):
        place = offset + torch.minimum(cell.clamp(min=0), last) * step
        distance = torch.maximum(place - start, end - place)
        inside = (place > start) & (place < end) & (distance <= limit)
        found = torch.where(inside, torch.maximum(found, distance), found)
    return found
