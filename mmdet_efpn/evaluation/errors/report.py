"""Errors of a whole test set, counted by kind and size."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..annotated_set import AnnotatedSet, detections_of, require_same_images
from ..coco_engine import truth_to_evaluate
from ..rules import NO_LIMIT, Preset, Size
from .kinds import KINDS, ImageErrors, errors_of_image

OBJECTS, FOUND = 'objects', 'found'
COLUMNS = (OBJECTS, FOUND, *KINDS)


@dataclass(frozen=True)
class ErrorReport:
    """The errors of each picture, the ranges of size, and the lowest score that was looked at."""

    images: list[ImageErrors]
    sizes: list[Size]
    score_thr: float
    most: int

    def counts(self) -> dict[str, dict[str, int]]:
        """For each size, and for ``all``: objects, those found, and errors by kind."""
        rows = {size.words: Counter[str]() for size in self.sizes}
        for image in self.images:
            for entry, found in zip(image.objects, image.found, strict=True):
                row = rows[self._size(entry['area'])]
                row[OBJECTS] += 1
                row[FOUND] += bool(found)
            for kind, area in image.errors:
                rows[self._size(area)][kind] += 1
        table = {words: {name: row[name] for name in COLUMNS} for words, row in rows.items()}
        table['all'] = {name: sum(row[name] for row in rows.values()) for name in COLUMNS}
        return table

    def worst(self, num: int) -> list[ImageErrors]:
        """The pictures with the most errors, at most ``num``, none without any."""
        ranked = sorted(self.images, key=lambda image: -len(image.errors))
        return [image for image in ranked[:num] if image.errors]

    def table(self) -> str:
        """The counts as Markdown."""
        lines = [
            '| size | ' + ' | '.join(COLUMNS) + ' |',
            '| --- |' + ' ---: |' * len(COLUMNS),
        ]
        ranges = {size.words: size.range_text for size in self.sizes}
        for words, row in self.counts().items():
            name = f'{words} ({ranges[words]})' if ranges.get(words, words) != words else words
            lines.append(f'| {name} | ' + ' | '.join(str(row[column]) for column in COLUMNS) + ' |')
        return '\n'.join(lines)

    def _size(self, area: float) -> str:
        return next(size.words for size in self.sizes if area <= size.high)


def size_bins(rules: Preset) -> list[Size]:
    """Ranges of size without gap or overlap, between all bounds of a preset's.

    Example:
        >>> from mmdet_efpn.evaluation import preset_of
        >>> [f'{size.words}: {size.range_text}' for size in size_bins(preset_of('soda'))][3:]
        ['normal: 32 to 44.72 px', 'from 44.72 px: from 44.72 px']
    """
    named = {(size.low, size.high): size.words for size in rules.sizes}
    bounds = {bound for size in rules.areas for bound in (size.low, size.high)}
    bins = []
    for low, high in pairwise(sorted({0.0, NO_LIMIT} | bounds)):
        size = Size('', named.get((low, high), ''), low, high)
        bins.append(size if size.words else Size('', size.range_text, low, high))
    bins[-1] = Size('', bins[-1].words, bins[-1].low, float('inf'))  # COCO has no larger one
    return bins


def count_errors(
    judged: AnnotatedSet, predictions: Sequence[dict], score_thr: float = 0.3
) -> ErrorReport:
    """The errors of predictions of a test set.

    Args:
        judged (AnnotatedSet): The test set; its rules give sizes and detections a picture.
        predictions (Sequence[dict]): As ``mmdet-efpn test --out`` writes them.
        score_thr (float): Detections below this score are left out. Default 0.3.

    Raises:
        UserError: The predictions are not of exactly the test set's images.
    """
    require_same_images(judged.truth, predictions)
    truth = truth_to_evaluate(judged.truth, judged.cat_ids, judged.rules.uncertain_too)
    wanted, most = set(judged.cat_ids), judged.rules.ap_max_det
    images = []
    for prediction in predictions:
        image_id = prediction['img_id']
        found = [
            entry for entry in detections_of([prediction], judged.cat_ids) if entry['score'] >= score_thr
        ]
        here = [e for e in truth.imgToAnns.get(image_id, []) if e['category_id'] in wanted]
        images.append(errors_of_image(image_id, here, found, most))
    return ErrorReport(images, size_bins(judged.rules), score_thr, most)
