"""Which boxes a detector reads from P2', by the rule that gives boxes to its levels."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from ..engine.checks import unwrapped

P2_PRIME_STRIDE = 2


@dataclass(frozen=True)
class FinestLevel:
    """The rule of one detector.

    Attributes:
        rule: What makes a box one of P2', in words.
        takes: From (n, 4) boxes ``x1, y1, x2, y2`` as the detector sees the picture to (n,) bool.
    """

    rule: str
    takes: Callable[[np.ndarray], np.ndarray]

    def marks(self, boxes: np.ndarray, scale: float = 1.0) -> np.ndarray:
        """Which boxes are of P2', (n,) bool.

        Args:
            boxes: (n, 4) in the picture's pixels.
            scale: The factor by which the test pipeline resizes the picture.
        """
        return self.takes(np.asarray(boxes, dtype=float).reshape(-1, 4) * scale)


def finest_level(model: nn.Module) -> FinestLevel | None:
    """The rule by which a detector gives boxes to P2'; ``None`` where it has none.

    A two-stage detector pools an RoI from the level of its size (``map_roi_levels`` of the last stage's
    extractor). A one-stage detector trains a box on the level whose range it is in (FCOS), or whose
    anchors fit it best by IoU at one centre. The box that comes out may be a few pixels larger or
    smaller than the RoI or anchor that it came from, so boxes near a border may be marked wrongly.
    Detectors with queries read all levels at once and have no such rule.

    Args:
        model: A built detector, or one that wraps it.
    """
    detector = unwrapped(model)
    roi_head = getattr(detector, 'roi_head', None)
    if roi_head is not None:
        return _of_rois(getattr(roi_head, 'bbox_roi_extractor', None))
    head = getattr(detector, 'bbox_head', None)
    head = getattr(head, 'head', head)  # inside PlainLevelsHead
    priors = getattr(head, 'prior_generator', None)
    strides = list(getattr(priors, 'strides', ()))
    if not strides or np.ravel(strides[0])[0] != P2_PRIME_STRIDE or len(strides) < 2:
        return None
    ranges = getattr(head, 'regress_ranges', None)
    if ranges is not None:
        return _of_ranges(float(ranges[0][1]))
    anchors = getattr(priors, 'base_anchors', None)
    return None if anchors is None else _of_anchors([level.cpu().numpy() for level in anchors])


def _of_rois(extractor: Any) -> FinestLevel | None:
    if isinstance(extractor, (nn.ModuleList, list, tuple)):  # a cascade
        extractor = extractor[-1]
    strides = getattr(extractor, 'featmap_strides', None)
    if not strides or strides[0] != P2_PRIME_STRIDE or not hasattr(extractor, 'map_roi_levels'):
        return None
    levels = len(strides)

    def takes(boxes: np.ndarray) -> np.ndarray:
        rois = torch.zeros(len(boxes), 5)
        rois[:, 1:] = torch.from_numpy(boxes)
        return (extractor.map_roi_levels(rois, levels) == 0).numpy()

    border = getattr(extractor, 'finest_scale', None)
    size = f' (under {2 * border} pixels)' if border else ''
    return FinestLevel(f"its size{size} is one whose RoIs are pooled from P2'", takes)


def _of_ranges(largest: float) -> FinestLevel:
    """FCOS: the largest distance from the box's point to a side; half the longer side at its centre."""

    def takes(boxes: np.ndarray) -> np.ndarray:
        sides = boxes[:, 2:] - boxes[:, :2]
        return sides.max(axis=1, initial=0) / 2 <= largest

    return FinestLevel(
        f"its longer side is up to {2 * largest:g} pixels, which P2' is trained on", takes
    )


def _of_anchors(levels: list[np.ndarray]) -> FinestLevel:
    def takes(boxes: np.ndarray) -> np.ndarray:
        sides = boxes[:, 2:] - boxes[:, :2]
        best = np.stack([_best_iou(sides, level[:, 2:] - level[:, :2]) for level in levels])
        return best.argmax(axis=0) == 0

    return FinestLevel("the anchors of P2' fit it best", takes)


def _best_iou(sides: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """The best IoU of n boxes with k anchors at the same centre: (n, 2) and (k, 2) sides."""
    shared = np.minimum(sides[:, None], anchors[None]).prod(axis=2)
    union = sides.prod(axis=1)[:, None] + anchors.prod(axis=1)[None] - shared
    return (shared / np.maximum(union, 1e-9)).max(axis=1)
