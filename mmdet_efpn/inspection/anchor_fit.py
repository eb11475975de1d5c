"""How well anchors of other sizes would fit the boxes: the best IoU of each box."""

from collections.abc import Sequence
from typing import Any

import torch
from mmdet.models.task_modules import AnchorGenerator

from ..datasets import Boxes
from ..engine.checks import best_iou

CANDIDATES = (4, 6, 8, 12, 16, 24, 32, 48, 64)  # px
MOST_BOXES = 4000


def smallest_side(generator: Any) -> float | None:
    """Side in pixels of the smallest square anchor; ``None`` where one number does not set it."""
    if type(generator) is not AnchorGenerator:
        return None
    sizes = zip(generator.base_sizes, generator.strides, strict=True)
    if any(size != min(stride) for size, stride in sizes):
        return None
    return float(min(generator.base_sizes) * generator.scales.min())


def mean_best_ious(
    generator: Any,
    samples: Sequence[Boxes],
    factor: float = 1.0,
    candidates: Sequence[float] = CANDIDATES,
) -> dict[float, float]:
    """The mean over boxes of the best IoU that an anchor has, for each smallest anchor.

    The ratios, the strides and the number of sizes a level stay; anchors double from level to level.

    Args:
        generator (Any): A generator for which :func:`smallest_side` gives a number.
        samples (Sequence[Boxes]): Boxes of pictures as the detector sees them.
        factor (float): Resizes pictures and boxes first. Default 1.
        candidates (Sequence[float]): Sides in pixels of the smallest square anchor.

    Returns:
        dict[float, float]: By candidate; boxes beyond the first ``MOST_BOXES``, evenly spread, are left
        out. Empty without boxes.
    """
    filled = [sample for sample in samples if len(sample.boxes)]
    if not filled:
        return {}
    boxes = torch.cat([sample.boxes for sample in filled]) * factor
    sides = torch.cat([torch.tensor([[s.width, s.height]]).expand(len(s.boxes), 2) for s in filled])
    kept = slice(None, None, max(1, -(-len(boxes) // MOST_BOXES)))
    boxes, sides = boxes[kept], (sides * factor).round()[kept]
    return {side: _mean_best_iou(generator, boxes, sides, side) for side in candidates}


def _mean_best_iou(generator: Any, boxes: torch.Tensor, sides: torch.Tensor, side: float) -> float:
    scales = generator.scales / generator.scales.min() * (side / min(generator.base_sizes))
    resized = AnchorGenerator(
        strides=generator.strides,
        ratios=generator.ratios.tolist(),
        scales=scales.tolist(),
        base_sizes=list(generator.base_sizes),
        center_offset=generator.center_offset,
    )
    best = torch.zeros(len(boxes))
    for stride, anchors in zip(resized.strides, resized.base_anchors, strict=True):
        level = best_iou(boxes, sides, anchors, (float(stride[0]), float(stride[1])))
        best = torch.maximum(best, level)
    return best.mean().item()
