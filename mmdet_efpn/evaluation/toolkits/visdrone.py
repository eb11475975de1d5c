"""Figures of VisDrone2018-DET-toolkit, from the matches of COCO's evaluator.

Its rules (Zhu et al., "Vision Meets Drones: A Challenge", 2018, and the toolkit's evalDET):

- Objects and detections that ignored regions cover by half or more are taken out first. A box counts the
  region's pixels right of and below its first one.
- The 1, 10, 100 or 500 surest detections of a picture count, of all classes together.
- AP is the area under the whole precision-recall curve, not its mean at 101 recalls. Ignored objects of
  a class count in the denominator of recall.
- A class weighs as much as there are pictures with it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from pycocotools.coco import COCO

from ...datasets.checks import regions_of_all_classes
from ..coco_engine import BoxEvaluation, coco_of, detections_to_evaluate, truth_to_evaluate
from ..rules import NO_LIMIT, Preset, Size

OTHERS = 'others'  # objects of no class, which the toolkit neither evaluates nor takes for regions


def visdrone_figures(
    truth: COCO, found: Iterable[dict], cat_ids: Sequence[int], preset: Preset
) -> dict[str, float]:
    """AP, AP50, AP75 and AR as the toolkit has them, as shares of 1.

    Args:
        truth (COCO): Annotations, images with ``width`` and ``height``. Ignored annotations of a
            category outside ``cat_ids`` are the ignored regions.
        found (Iterable[dict]): Detections: ``image_id``, ``category_id``, ``bbox`` (x, y, width, height
            in pixels) and ``score``.
        cat_ids (Sequence[int]): The categories.
        preset (Preset): Gives the detections a picture and the IoUs.

    Returns:
        dict: ``toolkit_AP``, ``toolkit_AP50``, ``toolkit_AP75``, ``toolkit_AR@1`` and so on; -1 where
        there is no object.
    """
    left, found = outside_regions(truth, found, cat_ids)
    ranked = sorted(found, key=lambda entry: -entry['score'])  # stable, as the toolkit's sorting is
    ranks = _ranks([entry['image_id'] for entry in ranked])
    most = preset.ap_max_det
    kept = [entry for entry, rank in zip(ranked, ranks, strict=True) if rank < most]
    ranks = [rank for rank in ranks if rank < most]
    objects = truth_to_evaluate(left, cat_ids)
    everything = replace(
        preset, sizes=(), whole=Size('', 'all', 0, NO_LIMIT**2), max_dets=(most,), ap_max_det=most
    )
    evaluation = BoxEvaluation(
        objects, detections_to_evaluate(objects, kept), cat_ids, sorted(objects.imgs), everything
    ).run()
    weights, precisions, recalls = [], [], []
    for cat_id in evaluation.params.catIds:
        images = evaluation.of_class(cat_id)
        weights.append(sum(bool(matches['gtIds']) for matches in images))
        precision, recall = _of_class(images, ranks, preset)
        precisions.append(precision)
        recalls.append(recall)
    return _means(np.array(weights), np.array(precisions), np.array(recalls), preset)


def _means(
    weights: np.ndarray, precisions: np.ndarray, recalls: np.ndarray, preset: Preset
) -> dict[str, float]:
    def mean(values: np.ndarray) -> float:
        return float(np.average(values, weights=weights)) if weights.any() else -1.0

    figures = {'toolkit_AP': mean(precisions.mean(axis=1))}
    for iou in (0.5, 0.75):
        at = np.flatnonzero(np.isclose(iou, preset.iou_thrs))
        if len(at):
            figures[f'toolkit_AP{100 * iou:.0f}'] = mean(precisions[:, at[0]])
    for place, number in enumerate(preset.max_dets):
        figures[f'toolkit_AR@{number}'] = mean(recalls[:, :, place].mean(axis=1))
    return figures


def _of_class(images: list[dict], ranks: Sequence[int], preset: Preset) -> tuple[np.ndarray, np.ndarray]:
    """AP (IoUs) and recall (IoUs, numbers of detections) of one class.

    ``ranks``: each detection's place on its image, by id less 1.
    """
    ious, numbers = len(preset.iou_thrs), preset.max_dets
    objects = sum(len(matches['gtIds']) for matches in images)
    scores = np.concatenate([[], *(matches['dtScores'] for matches in images)])
    if not len(scores):
        return np.zeros(ious), np.zeros((ious, len(numbers)))
    order = np.argsort(-scores, kind='mergesort')
    rank = np.array([ranks[number - 1] for matches in images for number in matches['dtIds']])
    matched = np.concatenate([matches['dtMatches'] for matches in images], axis=1) > 0
    ignored = np.concatenate([matches['dtIgnore'] for matches in images], axis=1) > 0
    right, wrong = matched & ~ignored, ~matched & ~ignored
    recall = np.stack([(right & (rank < number)).sum(axis=1) for number in numbers], axis=1)
    precision = [
        area_under_curve(np.cumsum(one[order]), np.cumsum(other[order]), objects)
        for one, other in zip(right, wrong, strict=True)
    ]
    return np.array(precision), recall / max(objects, 1)


def area_under_curve(found: np.ndarray, false: np.ndarray, objects: int) -> float:
    """Area under a precision-recall curve whose precision is made falling.

    Args:
        found (np.ndarray): Right detections up to each score.
        false (np.ndarray): False detections up to each score.
        objects (int): Number of objects.
    """
    recall = np.concatenate([[0], found / max(objects, 1)])
    precision = found / np.maximum(found + false, 1)
    falling = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(recall) * falling).sum())


def _ranks(images: Iterable) -> list[int]:
    """The place of each entry among those of its image."""
    seen: dict = {}
    ranks = []
    for image in images:
        ranks.append(seen.get(image, 0))
        seen[image] = ranks[-1] + 1
    return ranks


def outside_regions(
    truth: COCO, found: Iterable[dict], cat_ids: Sequence[int]
) -> tuple[COCO, list[dict]]:
    """Annotations and detections without the ignored regions and what these cover by half or more."""
    entries = truth.dataset.get('annotations', [])
    regions: dict = {}
    for entry in regions_of_all_classes(entries, cat_ids):
        if truth.cats[entry['category_id']]['name'] == OTHERS:
            continue
        regions.setdefault(entry['image_id'], []).append(entry['bbox'])
    maps = {image: _region_sums(np.array(boxes), truth.imgs[image]) for image, boxes in regions.items()}

    def stays(entry: dict) -> bool:
        sums = maps.get(entry['image_id'])
        return sums is None or _covered_share(entry['bbox'], sums) < 0.5

    inside = [entry for entry in entries if entry['category_id'] in set(cat_ids)]
    left = coco_of(truth.dataset['images'], truth.dataset['categories'], [e for e in inside if stays(e)])
    return left, [entry for entry in found if stays(entry)]


def _region_sums(boxes: np.ndarray, image: dict) -> np.ndarray:
    """Number of region pixels left of and above each pixel, itself included; (height, width).

    The toolkit counts pixels from 1; here pixel 1 is row or column 0.
    """
    pixels = np.zeros((image['height'], image['width']), dtype=np.int64)
    for x, y, width, height in np.maximum(_rounded(boxes), 1):
        pixels[y - 1 : y + height, x - 1 : x + width] = 1
    return pixels.cumsum(axis=0).cumsum(axis=1)


def _covered_share(box: Sequence[float], sums: np.ndarray) -> float:
    height, width = sums.shape
    x, y, box_width, box_height = np.maximum(_rounded(np.array(box)), 1).tolist()
    x, y = min(x, width), min(y, height)
    right, bottom = min(x + box_width, width), min(y + box_height, height)
    left, top = x - 1, y - 1
    inside = (
        sums[top, left] + sums[bottom - 1, right - 1] - sums[top, right - 1] - sums[bottom - 1, left]
    )
    return float(inside) / (box_width * box_height)


def _rounded(values: np.ndarray) -> np.ndarray:
    """Halves away from zero, as MATLAB rounds."""
    return (np.sign(values) * np.floor(np.abs(values) + 0.5)).astype(np.int64)
