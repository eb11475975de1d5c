"""MMDetection's metric of COCO, made to read annotation files as the data set reads them."""

import contextlib
import io
import logging

from mmdet.evaluation import CocoMetric
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner

from ...datasets.checks import areas_said, flags_as_numbers, mend_areas


class MendAnnotations(Hook):
    """Mends the annotations that a ``CocoMetric`` has read, and says what it did.

    - Boxes marked ``ignore`` become crowd regions: COCO's evaluator knows ``iscrowd`` alone and counts
      boxes that are only marked ``ignore`` as missed.
    - A missing area is the box's; without one the evaluator ends in a ``KeyError``.
    - Annotations are numbered from 1 where an id is 0 or no number: the evaluator takes 0 for no match.
    - Of a file without annotations it says that nothing is judged.
    """

    def before_val_epoch(self, runner: Runner) -> None:
        """Mends them for validation."""
        self._mend(runner.val_loop.evaluator.metrics)

    def before_test_epoch(self, runner: Runner) -> None:
        """Mends them for a test."""
        self._mend(runner.test_loop.evaluator.metrics)

    @staticmethod
    def _mend(metrics: list[BaseMetric]) -> None:
        for metric in metrics:
            coco = getattr(metric, '_coco_api', None) if isinstance(metric, CocoMetric) else None
            if coco is None:
                continue
            for text in mended(coco) if coco.dataset.get('annotations') else [_NOTHING]:
                print_log(f'{type(metric).__name__}: {text}', logger='current', level=logging.WARNING)


_NOTHING = 'its file has no annotations: nothing is judged, and its figures tell nothing'


def mended(coco) -> list[str]:
    """Mends the annotations of a ``pycocotools`` object in place; gives what to tell of it."""
    entries = coco.dataset['annotations']
    flags_as_numbers(entries)
    marked = [entry for entry in entries if entry.get('ignore') and not entry.get('iscrowd')]
    for entry in marked:
        entry['iscrowd'] = 1
    for entry in entries:
        entry.setdefault('iscrowd', 0)
    said = [f'{len(marked)} annotations marked ignore are regions that do not count'] if marked else []
    said += areas_said(*mend_areas(entries))
    unfit = sum(not isinstance(entry['id'], int) or entry['id'] == 0 for entry in entries)
    if unfit:
        for number, entry in enumerate(entries, 1):
            entry['id'] = number
        with contextlib.redirect_stdout(io.StringIO()):
            coco.createIndex()
        said.append(f'{unfit} annotations have an id that is 0 or no number; all are numbered from 1')
    return said
