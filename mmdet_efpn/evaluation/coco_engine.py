"""COCO's evaluator of boxes with other sizes, IoUs and detections a picture; and ignored regions."""

import contextlib
import copy
import io
from collections.abc import Iterable, Sequence

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from ..datasets.checks import is_ignored, regions_of_all_classes
from ..utils.errors import UserError
from .rules import Figure, Preset


def coco_of(images: list[dict], categories: list[dict], annotations: list[dict]) -> COCO:
    """The parts of a COCO file as the object that COCO's evaluator reads."""
    coco = COCO()
    coco.dataset = dict(images=images, categories=categories, annotations=annotations)
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
    return coco


def truth_to_evaluate(truth: COCO, cat_ids: Sequence[int], uncertain_too: bool = False) -> COCO:
    """A copy of the annotations in which what is ignored is a crowd region.

    COCO's evaluator overwrites ``ignore`` with ``iscrowd``, so that boxes marked ``ignore`` alone count
    as missed. Detections inside a region (their overlap over their own area) don't count. A region of
    all classes is one of each. Annotations are numbered anew from 1, for the evaluator takes id 0 for
    no match.

    Args:
        truth (COCO): The annotations; left as they are.
        cat_ids (Sequence[int]): The categories to be evaluated.
        uncertain_too (bool): Whether ``uncertain`` annotations are ignored. Default False.
    """
    entries = truth.dataset.get('annotations', [])
    spread = [
        dict(region, category_id=category)
        for region in regions_of_all_classes(entries, cat_ids)
        for category in cat_ids
    ]
    annotations = []
    for number, entry in enumerate([*entries, *spread], 1):
        area = entry.get('area')
        annotations.append(
            dict(
                id=number,
                image_id=entry['image_id'],
                category_id=entry['category_id'],
                bbox=entry['bbox'],
                area=entry['bbox'][2] * entry['bbox'][3] if area is None else area,
                iscrowd=int(is_ignored(entry, uncertain_too)),
            )
        )
    return coco_of(truth.dataset['images'], truth.dataset['categories'], annotations)


def detections_to_evaluate(truth: COCO, found: Iterable[dict]) -> COCO:
    """Detections (``image_id``, ``category_id``, ``bbox`` x, y, width, height, ``score``), or none.

    Raises:
        UserError: One is of an image that the annotations don't have.
    """
    found = list(found)
    unknown = {entry['image_id'] for entry in found} - set(truth.imgs)
    if unknown:
        raise UserError(
            f'detections are of {len(unknown)} images that the annotations do not have, such as '
            f'{min(unknown, key=str)!r}: check that ann_file is of the test set'
        )
    annotations = [
        dict(
            id=number,
            image_id=entry['image_id'],
            category_id=entry['category_id'],
            bbox=entry['bbox'],
            score=entry['score'],
            area=entry['bbox'][2] * entry['bbox'][3],
            iscrowd=0,
        )
        for number, entry in enumerate(found, 1)
    ]
    return coco_of(truth.dataset['images'], truth.dataset['categories'], annotations)


class BoxEvaluation(COCOeval):
    """COCO's evaluation of boxes under a preset.

    Args:
        truth (COCO): What :func:`truth_to_evaluate` gives.
        found (COCO): What :func:`detections_to_evaluate` gives.
        cat_ids (Sequence[int]): The categories.
        img_ids (Sequence[int]): The images.
        preset (Preset): Sizes, IoUs and detections a picture.
    """

    def __init__(
        self,
        truth: COCO,
        found: COCO,
        cat_ids: Sequence[int],
        img_ids: Sequence[int],
        preset: Preset,
    ) -> None:
        super().__init__(truth, found, 'bbox')
        self.preset = preset
        self.params.catIds, self.params.imgIds = list(cat_ids), list(img_ids)
        self.params.iouThrs = np.array(preset.iou_thrs)
        self.params.maxDets = sorted({*preset.max_dets, preset.ap_max_det})
        self.params.areaRng = [[size.low, size.high] for size in preset.areas]
        self.params.areaRngLbl = [size.key for size in preset.areas]

    def computeIoU(self, imgId, catId):
        """IoU of one image's boxes of one class; with regions, the share of the detection inside."""
        if not self.preset.other_sizes_too:
            return super().computeIoU(imgId, catId)
        objects = self._gts[imgId, catId]
        kinds = [entry['iscrowd'] for entry in objects]
        for entry in objects:
            entry['iscrowd'] = 0
        ious = super().computeIoU(imgId, catId)
        for entry, kind in zip(objects, kinds, strict=True):
            entry['iscrowd'] = kind
        return ious

    def evaluateImg(self, imgId, catId, aRng, maxDet):
        """Matches one image's boxes of one class and size."""
        matches = super().evaluateImg(imgId, catId, aRng, maxDet)
        if matches is not None and self.preset.other_sizes_too:
            self._ignore_inside(matches)
        return matches

    def _ignore_inside(self, matches: dict) -> None:
        """Ignores detections that lie in something ignored, by TinyBenchmark's formula.

        It makes the share inside from the IoU and both areas, which decides where the share is at a
        threshold.
        """
        key = matches['image_id'], matches['category_id']
        ignored = {
            i for i, is_region in zip(matches['gtIds'], matches['gtIgnore'], strict=True) if is_region
        }
        places = [place for place, entry in enumerate(self._gts[key]) if entry['id'] in ignored]
        if not places or not matches['dtIds']:
            return
        ious = self.ious[key][:, places]  # detections, regions
        areas = np.array([self._gts[key][place]['area'] for place in places])
        own = np.array([self.cocoDt.anns[number]['area'] for number in matches['dtIds']])
        own = np.maximum(own, 1e-12)
        inside = (ious / (1 + ious) * (1 + areas[None] / own[:, None])).max(axis=1)
        within = inside[None] >= np.minimum(self.params.iouThrs, 1 - 1e-10)[:, None]  # IoUs, detections
        matches['dtIgnore'] = matches['dtIgnore'] | ((matches['dtMatches'] == 0) & within)

    def run(self) -> 'BoxEvaluation':
        """Matches and accumulates, in silence."""
        with contextlib.redirect_stdout(io.StringIO()):
            self.evaluate()
            self.accumulate()
        return self

    def on(self, images: Sequence[int] | np.ndarray) -> 'BoxEvaluation':
        """The evaluation on the images at these places, which may repeat."""
        drawn = copy.copy(self)
        drawn.params, drawn._paramsEval = copy.copy(drawn.params), copy.copy(drawn._paramsEval)
        # for COCOeval an image is a place in evalImgs; an image drawn twice is two places
        amount = len(self.params.imgIds)
        drawn.params.imgIds = drawn._paramsEval.imgIds = list(range(len(images)))
        rows = len(self.evalImgs) // amount  # of categories and areas
        drawn.evalImgs = [self.evalImgs[row * amount + i] for row in range(rows) for i in images]
        with contextlib.redirect_stdout(io.StringIO()):
            drawn.accumulate()
        return drawn

    def value(self, figure: Figure, cat_id: int | None = None) -> float:
        """A figure, over all classes or of one category; -1 where no box counts."""
        kinds = slice(None) if cat_id is None else [list(self.params.catIds).index(cat_id)]
        most = self.params.maxDets.index(figure.max_det)
        ious = np.ones(len(self.params.iouThrs), dtype=bool)
        if figure.iou is not None:
            ious = np.isclose(figure.iou, self.params.iouThrs)
        table = self.eval['recall'] if figure.recall else self.eval['precision']
        numbers = table[ious][..., kinds, figure.size, most]
        numbers = numbers[numbers > -1]
        return float(numbers.mean()) if numbers.size else -1.0

    def of_class(self, cat_id: int, size: int = 0) -> list[dict]:
        """What :meth:`evaluateImg` gave for a category and the size at this place, image by image."""
        sizes, images = len(self.params.areaRng), len(self.params.imgIds)
        first = (list(self.params.catIds).index(cat_id) * sizes + size) * images
        return [matches for matches in self.evalImgs[first : first + images] if matches is not None]

    def matched_ious(self, matches: dict, threshold: int) -> np.ndarray:
        """IoU of each detection of ``matches`` with its match at the threshold of this place, else 0."""
        key = matches['image_id'], matches['category_id']
        places = {entry['id']: place for place, entry in enumerate(self._gts[key])}
        ids = matches['dtMatches'][threshold].astype(int)
        return np.array(
            [self.ious[key][row, places[number]] if number else 0.0 for row, number in enumerate(ids)]
        )
