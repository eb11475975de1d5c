"""Which anchors or points become positive for each box, by MMDetection's own assigners and targets."""

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from mmdet.models.dense_heads import FCOSHead
from mmdet.models.task_modules import ATSSAssigner, MaxIoUAssigner, anchor_inside_flags
from mmdet.structures.bbox import bbox_overlaps
from mmengine.structures import InstanceData
from torch import Tensor

from ..datasets import Boxes
from .near_priors import (
    NearPriors,
    Reach,
    grid_sizes,
    near_priors,
    nearest,
    overlapping,
    touching,
)

DIVISOR = 32  # px; batches are padded to a multiple of it
AT_ONCE = 4_000_000  # IoUs computed at a time
OWN_WAYS = ('FreeAnchorRetinaHead', 'PAAHead', 'TOODHead')  # read predictions, at least later on
MOST_PAIRS = 200_000_000  # priors times boxes; 0.8 GB of IoUs


class Positives(NamedTuple):
    """What the n boxes of one picture get of L levels.

    Attributes:
        counts: (n, L) number of positive anchors or points.
        ious: (n, L) IoU of the best of them with the box; 0 without one, and for points.
    """

    counts: Tensor
    ious: Tensor


def runs_assigner(head: Any) -> bool:
    """Whether a dense head's positives hang on the boxes alone, and are known before training."""
    own_way = any(parent.__name__ in OWN_WAYS for parent in type(head).__mro__)
    if own_way or not hasattr(head.prior_generator, 'sparse_priors'):
        return False
    if isinstance(head, FCOSHead) and not hasattr(head, 'assigner'):
        return type(head)._get_targets_single is FCOSHead._get_targets_single
    assigner: Any = getattr(head, 'assigner', None)
    with_anchors = hasattr(head.prior_generator, 'base_anchors')
    if type(assigner) is ATSSAssigner:
        return with_anchors and assigner.alpha is None
    return with_anchors and type(assigner) is MaxIoUAssigner


def positives_of(head: Any, sample: Boxes) -> Positives | None:
    """The positives of each box of one picture.

    Args:
        head (Any): A built dense head for which :func:`runs_assigner` holds.
        sample (Boxes): The picture's boxes, one at least.

    Returns:
        Positives | None: ``None`` for a picture with too many boxes and anchors for the memory.
    """
    padded = [-(-side // DIVISOR) * DIVISOR for side in (sample.height, sample.width)]
    grids = grid_sizes(head.prior_generator, *padded)
    near = near_priors(head.prior_generator, sample.boxes, grids, _reach(head, sample))
    points = isinstance(head, FCOSHead) and not hasattr(head, 'assigner')
    if len(near.priors) * len(sample.boxes) * (10 if points else 1) > MOST_PAIRS:
        return None
    if points:
        return _counted(_by_fcos(head, sample, near), near, sample.boxes)
    return _counted(_by_assigner(head, sample, near), near, sample.boxes)


def _reach(head: Any, sample: Boxes) -> Reach:
    """What can become positive: without more, all that touches a box."""
    assigner = getattr(head, 'assigner', None)
    if assigner is None or _border(head) >= 0:
        return touching
    regions = sample.ignored is not None and len(sample.ignored) > 0
    if regions and assigner.ignore_iof_thr > 0:  # the best anchor may be left out
        return touching
    if isinstance(assigner, ATSSAssigner):
        return nearest(assigner.topk)
    return overlapping(assigner.pos_iou_thr)


def _border(head: Any) -> float:
    return (head.train_cfg or {}).get('allowed_border', -1)


def _by_assigner(head: Any, sample: Boxes, near: NearPriors) -> Tensor:
    """For each of the m anchors, the place of its box counted from 1; 0 or less: none."""
    everything = torch.ones(len(near.priors), dtype=torch.bool)
    inside = anchor_inside_flags(near.priors, everything, (sample.height, sample.width), _border(head))
    assigner, priors = head.assigner, InstanceData(priors=near.priors[inside])
    truth = InstanceData(bboxes=sample.boxes, labels=torch.zeros(len(sample.boxes), dtype=torch.long))
    regions = None if sample.ignored is None else InstanceData(bboxes=sample.ignored)
    if isinstance(assigner, ATSSAssigner):
        by_level = [int(part.sum()) for part in inside.split(near.by_level)]
        result = assigner.assign(priors, by_level, truth, regions)
    else:
        result = assigner.assign(priors, truth, regions)
    found = torch.zeros(len(near.priors), dtype=torch.long)
    found[inside] = result.gt_inds
    return found


def _by_fcos(head: Any, sample: Boxes, near: NearPriors) -> Tensor:
    """As :func:`_by_assigner`, for FCOS's points: its labels stand for the boxes' places."""
    places = torch.arange(len(sample.boxes)) + head.num_classes + 1
    truth = InstanceData(bboxes=sample.boxes, labels=places)
    ranges = near.priors.new_tensor(head.regress_ranges)[near.levels]
    labels, _ = head._get_targets_single(truth, near.priors, ranges, near.by_level)
    return (labels - head.num_classes).clamp(min=0)


def _counted(found: Tensor, near: NearPriors, boxes: Tensor) -> Positives:
    num_levels = len(near.by_level)
    positive = found > 0
    box, level = found[positive] - 1, near.levels[positive]
    cell = box * num_levels + level
    counts = torch.bincount(cell, minlength=len(boxes) * num_levels)
    ious = torch.zeros(len(boxes) * num_levels)
    if near.priors.shape[1] == 4:
        own = bbox_overlaps(near.priors[positive], boxes[box], is_aligned=True)
        ious = ious.scatter_reduce(0, cell, own, 'amax')
    return Positives(counts.reshape(-1, num_levels), ious.reshape(-1, num_levels))


@contextlib.contextmanager
def ious_in_parts(head: Any) -> Iterator[None]:
    """Lets a head's assigner compute IoUs part by part while the body runs, which takes less memory."""
    assigner = getattr(head, 'assigner', None)
    if assigner is None:
        yield
        return
    whole = assigner.iou_calculator

    def calculate(first: Tensor, second: Tensor, *args: Any, **options: Any) -> Tensor:
        rows = max(1, AT_ONCE // max(1, len(second)))
        if len(first) <= rows or options.get('is_aligned'):
            return whole(first, second, *args, **options)
        return torch.cat([whole(part, second, *args, **options) for part in first.split(rows)])

    assigner.iou_calculator = calculate
    try:
        yield
    finally:
        assigner.iou_calculator = whole
