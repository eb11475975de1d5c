"""What is kept of a prediction: plain values, the same for every kind of detector and output."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from mmdet.structures.mask import encode_mask_results

from ..utils.found_objects import found_objects
from .reading import Item

BOX_DECIMALS, SCORE_DECIMALS = 3, 5


@dataclass(frozen=True)
class Record:
    """The objects found in one picture, the surest first.

    Attributes:
        name, stem, path, frame: As in :class:`Item`.
        width, height: Of the picture, in pixels.
        labels: Class numbers, from 0.
        scores: From 0 to 1, five decimals.
        bboxes: ``x1, y1, x2, y2`` in pixels of the picture, three decimals.
        masks: COCO's compressed run lengths, where the detector gives masks.
    """

    name: str
    stem: str
    path: str
    frame: int | None
    width: int
    height: int
    labels: list[int]
    scores: list[float]
    bboxes: list[list[float]]
    masks: list[dict] = field(default_factory=list)

    def as_dict(self) -> dict:
        """Plain values, for a line of JSON."""
        return asdict(self)


def make_record(
    item: Item,
    sample: Any,
    meta: Mapping[str, Any],
    score: float = 0.0,
    labels: Collection[int] | None = None,
) -> Record:
    """The objects of a predicted data sample that count.

    Args:
        item: What was predicted on.
        sample: A ``DetDataSample`` with predictions and ``ori_shape``.
        meta: The detector's ``dataset_meta``.
        score: The lowest score that counts.
        labels: Class numbers that count. Default: all.
    """
    found = found_objects(sample, len(meta['thing_classes']) if 'thing_classes' in meta else None)
    keep = found.scores >= score
    if labels is not None:
        keep &= np.isin(found.labels, list(labels))
    order = np.flatnonzero(keep)
    order = order[np.argsort(-found.scores[order], kind='stable')]
    height, width = sample.ori_shape[:2]
    return Record(
        name=item.name,
        stem=item.stem,
        path=item.path,
        frame=item.frame,
        width=int(width),
        height=int(height),
        labels=[int(label) for label in found.labels[order]],
        scores=[round(float(value), SCORE_DECIMALS) for value in found.scores[order]],
        bboxes=[[round(float(side), BOX_DECIMALS) for side in box] for box in found.bboxes[order]],
        masks=_masks(sample, order),
    )


def _masks(sample: Any, order: np.ndarray) -> list[dict]:
    instances = getattr(sample, 'pred_instances', None)
    if instances is None or 'masks' not in instances or not len(order):
        return []
    masks = instances.masks
    encoded = encode_mask_results(masks[order.tolist()])
    return [dict(mask, counts=_text(mask['counts'])) for mask in encoded]


def _text(counts: bytes | str) -> str:
    return counts.decode() if isinstance(counts, bytes) else counts
