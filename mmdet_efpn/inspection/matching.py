"""What boxes get to learn from, over many pictures: positives level by level, and RoIs' levels."""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from ..datasets import Boxes
from ..engine.checks import dense_head, matched_boxes, unwrapped
from .assignment import Positives, ious_in_parts, positives_of, runs_assigner

IOUS = (0.3, 0.5, 0.7)
AT_A_TIME = 2  # pictures; more would need more memory


@dataclass(frozen=True)
class Matching:
    """Positive anchors or points of n boxes on L levels.

    Attributes:
        strides: Stride in pixels of each level, along x.
        counts: (n, L) number of positives; where no assigner ran, 1 for a match by the plain rule.
        ious: (n, L) IoU of the best positive; ``None`` for points and the plain rule.
        rule: What decides, in words.
        left_out: Pictures that have too many boxes for the memory.
    """

    strides: tuple[float, ...]
    counts: np.ndarray
    ious: np.ndarray | None
    rule: str
    left_out: int = 0

    def share(self, iou: float | None = None, level: int | None = None) -> float:
        """The share of boxes (0 to 1) with a positive, of at least that IoU, on one level or on any."""
        hit: Any = self.counts > 0
        if iou is not None:
            if self.ious is None:
                raise ValueError('points have no IoU')
            hit = hit & (self.ious >= iou)
        hit = hit.any(1) if level is None else hit[:, level]
        return float(hit.mean())

    def middle_iou(self, level: int | None = None) -> float | None:
        """Median IoU of the best positives of the boxes that have one; ``None`` without any."""
        if self.ious is None:
            return None
        best = self.ious.max(1) if level is None else self.ious[:, level]
        has = self.counts.any(1) if level is None else self.counts[:, level] > 0
        return float(np.median(best[has])) if has.any() else None


def match(
    detector: Any,
    samples: Sequence[Boxes],
    watch: Callable[[Sequence[Boxes]], Iterable[Boxes]] = iter,
) -> Matching | None:
    """The positives of all boxes, by the detector's assigner where it needs no predictions.

    Otherwise (SimOTA, task-aligned and other assigners that read predictions) by the plain rule of
    :func:`mmdet_efpn.engine.checks.matched_boxes`.

    Args:
        detector (Any): A built detector.
        samples (Sequence[Boxes]): Boxes of pictures as the detector sees them.
        watch (Callable): Gives the samples one by one, such as a progress bar.

    Returns:
        Matching | None: ``None`` without a box, or for a detector without anchors and points.
    """
    head = dense_head(detector)
    samples = [sample for sample in samples if len(sample.boxes)]
    if head is None or not samples:
        return None
    if not runs_assigner(head):
        plain = matched_boxes(detector, samples)
        assert plain is not None
        why = type(getattr(head, 'assigner', head)).__name__
        rule = f'{plain.rule} (a plain rule: {why} decides by predictions, or in a way of its own)'
        strides = tuple(x for x, _ in plain.strides)
        return Matching(strides, plain.hit.T.numpy().astype(int), None, rule)
    with ious_in_parts(head), _one_thread_each() as pool:
        results = pool.map(partial(positives_of, head), samples)
        found = [result for _, result in zip(watch(samples), results, strict=True)]
    return _joined(head, found)


def _one_thread_each() -> ThreadPoolExecutor:
    """Some threads, in each of which torch uses no others: on small tensors these mostly wait."""
    amount = max(1, min(AT_A_TIME, os.cpu_count() or 1))
    return ThreadPoolExecutor(amount, initializer=torch.set_num_threads, initargs=(1,))


def _joined(head: Any, found: Sequence[Positives | None]) -> Matching | None:
    whole = [picture for picture in found if picture is not None]
    if not whole:
        return None
    counts = torch.cat([picture.counts for picture in whole]).numpy()
    ious = torch.cat([picture.ious for picture in whole]).numpy()
    by_anchors = hasattr(head.prior_generator, 'base_anchors')
    strides = tuple(float(x) for x, _ in head.prior_generator.strides)
    name = type(head.assigner).__name__ if hasattr(head, 'assigner') else type(head).__name__
    rule = f"MMDetection's {name}"
    return Matching(strides, counts, ious if by_anchors else None, rule, len(found) - len(whole))


def roi_strides(detector: Any) -> tuple[int, ...]:
    """Strides in pixels of the levels that RoIs are pooled from; none without RoI heads."""
    extractor = _extractor(detector)
    return () if extractor is None else tuple(int(stride) for stride in extractor.featmap_strides)


def pooled_from(detector: Any, samples: Sequence[Boxes]) -> np.ndarray | None:
    """The level (n,), counted from 0, that an RoI of each box's own place and size is pooled from.

    Returns:
        np.ndarray | None: By MMDetection's ``map_roi_levels``; ``None`` without such an extractor.
    """
    extractor = _extractor(detector)
    boxes = [sample.boxes for sample in samples if len(sample.boxes)]
    if extractor is None or not boxes:
        return None
    rois = torch.cat(boxes)
    rois = torch.cat([rois.new_zeros(len(rois), 1), rois], 1)
    return extractor.map_roi_levels(rois, len(extractor.featmap_strides)).numpy()


def _extractor(detector: Any) -> Any | None:
    roi_head = getattr(unwrapped(detector), 'roi_head', None)
    extractor = getattr(roi_head, 'bbox_roi_extractor', None)
    if isinstance(extractor, torch.nn.ModuleList):  # a cascade; its stages have the same levels
        extractor = extractor[0]
    return extractor if hasattr(extractor, 'map_roi_levels') else None
