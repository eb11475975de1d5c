"""Precision and recall as TT100K's ``anno_func.eval_annos`` counts them (Zhu et al., CVPR 2016).

- A detection and an object of its class match where their IoU is above 0.5, the best pairs first.
- An object's size is its longer side: small below 32 px, medium from 32, large from 96 to below 400.
- An object of another size is left out, and with it its match. A detection without a match counts as
  false if it is of the size.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from pycocotools import mask as boxes_as_masks
from pycocotools.coco import COCO

SIZES = dict(all=(0, 400), small=(0, 32), medium=(32, 96), large=(96, 400))  # longer side in pixels
IOU = 0.5
SCORES = tuple(round(0.05 * step, 2) for step in range(1, 20))


class Counts(NamedTuple):
    """Objects, those found, and detections, of one range of size."""

    objects: int
    found: int
    detections: int

    @property
    def precision(self) -> float:
        """Share of the detections that are right: 1 where there is none; -1 where no object counts."""
        if not self.objects:
            return -1.0
        return self.found / self.detections if self.detections else 1.0

    @property
    def recall(self) -> float:
        """Share of the objects that are found; -1 where no object counts."""
        return self.found / self.objects if self.objects else -1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of both; -1 where no object counts."""
        if not self.objects:
            return -1.0
        return 2 * self.found / (self.objects + self.detections)


class _Image(NamedTuple):
    """Pairs (object, detection) that may match, best first, and what their boxes are like."""

    pairs: np.ndarray  # (pairs, 2)
    object_sides: np.ndarray
    detection_sides: np.ndarray
    scores: np.ndarray
    ignored: np.ndarray  # detections inside an ignored region of their class


def counts_by_size(
    truth: COCO, found: Iterable[dict], cat_ids: Sequence[int], score_thr: float | None = None
) -> tuple[float, dict[str, Counts]]:
    """The counts by size, at one score threshold for all classes and sizes.

    Args:
        truth (COCO): What :func:`~mmdet_efpn.evaluation.coco_engine.truth_to_evaluate` gives.
        found (Iterable[dict]): Detections: ``image_id``, ``category_id``, ``bbox``, ``score``.
        cat_ids (Sequence[int]): The categories.
        score_thr (float, optional): Lowest score. Default: of 0.05, 0.10, ... 0.95 the one with the
            highest F1 over all sizes and classes, the lowest of several. That is a choice on the
            pictures that are judged; for a threshold from elsewhere, give it.

    Returns:
        tuple: The threshold, and the counts of ``all``, ``small``, ``medium`` and ``large``.
    """
    images = _images(truth, found, cat_ids)
    if score_thr is None:
        score_thr = max(SCORES, key=lambda score: count_at(images, score, SIZES['all']).f1)
    return score_thr, {name: count_at(images, score_thr, sides) for name, sides in SIZES.items()}


def count_at(images: Sequence[_Image], score_thr: float, sides: tuple[float, float]) -> Counts:
    """The counts of objects whose longer side is in a range, the upper bound left out."""
    objects = right = detections = 0
    for image in images:
        sure = image.scores >= score_thr
        match_of_object = np.full(len(image.object_sides), -1)
        taken = np.zeros(len(sure), dtype=bool)
        for place, detection in image.pairs.tolist():
            if sure[detection] and match_of_object[place] < 0 and not taken[detection]:
                match_of_object[place] = detection
                taken[detection] = True
        counted = _inside(image.object_sides, sides)
        alone = sure & ~taken & ~image.ignored & _inside(image.detection_sides, sides)
        objects += int(counted.sum())
        right += int((counted & (match_of_object >= 0)).sum())
        detections += int(alone.sum())
    return Counts(objects, right, detections + right)


def _inside(values: np.ndarray, bounds: tuple[float, float]) -> np.ndarray:
    return (values >= bounds[0]) & (values < bounds[1])


def _images(truth: COCO, found: Iterable[dict], cat_ids: Sequence[int]) -> list[_Image]:
    detections: dict = {image: [] for image in truth.imgs}
    for entry in found:
        detections[entry['image_id']].append(entry)
    wanted = set(cat_ids)
    images = []
    for image, here in detections.items():
        entries = [e for e in truth.imgToAnns.get(image, []) if e['category_id'] in wanted]
        objects = [entry for entry in entries if not entry['iscrowd']]
        regions = [entry for entry in entries if entry['iscrowd']]
        if objects or here:
            ious = _overlaps(objects, here)
            rows, columns = np.nonzero(ious > IOU)
            order = np.argsort(-ious[rows, columns], kind='stable')
            images.append(
                _Image(
                    np.stack([rows[order], columns[order]], axis=1),
                    _longer_sides(objects),
                    _longer_sides(here),
                    np.array([entry['score'] for entry in here], dtype=float),
                    np.any(_overlaps(regions, here, over_detection=True) > IOU, axis=0, keepdims=True)[
                        0
                    ],
                )
            )
    return images


def _overlaps(objects: list[dict], detections: list[dict], over_detection: bool = False) -> np.ndarray:
    """IoU (objects, detections), or the share of the detection; 0 for other classes."""
    if not objects or not detections:
        return np.zeros((len(objects), len(detections)))
    ious = boxes_as_masks.iou(
        [entry['bbox'] for entry in detections],
        [entry['bbox'] for entry in objects],
        [int(over_detection)] * len(objects),
    ).T
    kinds = [np.array([entry['category_id'] for entry in part]) for part in (objects, detections)]
    return ious * (kinds[0][:, None] == kinds[1][None])


def _longer_sides(entries: list[dict]) -> np.ndarray:
    return np.array([max(entry['bbox'][2:]) for entry in entries], dtype=float)
