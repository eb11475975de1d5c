"""Annotations that MMDetection's metric of COCO has read, made whole before it judges by them."""

from mmdet.evaluation import CocoMetric
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner

from ...datasets.checks import areas_said, mend_areas


class HonourIgnored(Hook):
    """Makes boxes marked ``ignore`` crowd regions, and gives boxes without an area their own.

    COCO's evaluator knows ``iscrowd`` alone and counts boxes that are only marked ``ignore`` as missed.
    It sorts objects by ``area``, and fails without.
    """

    def before_val_epoch(self, runner: Runner) -> None:
        """Marks them for validation."""
        self._mark(runner.val_loop.evaluator.metrics)

    def before_test_epoch(self, runner: Runner) -> None:
        """Marks them for a test."""
        self._mark(runner.test_loop.evaluator.metrics)

    @staticmethod
    def _mark(metrics: list[BaseMetric]) -> None:
        for metric in metrics:
            annotations = getattr(metric, '_coco_api', None) if isinstance(metric, CocoMetric) else None
            entries = annotations.dataset.get('annotations', []) if annotations else []
            for note in areas_said(*mend_areas(entries)):
                print_log(f'{type(metric).__name__}: {note}', logger='current')
            marked = [entry for entry in entries if entry.get('ignore') and not entry.get('iscrowd')]
            for entry in marked:
                entry['iscrowd'] = 1
            if marked:
                print_log(
                    f'{type(metric).__name__}: {len(marked)} annotations marked ignore are regions that '
                    'do not count',
                    logger='current',
                )
