"""How many detections a test run gave a picture, and whether a limit cut them."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.runner import Runner

from ...utils.found_objects import found_objects

COCO_LIMIT = 100


class CountDetections(Hook):
    """Counts detections in a test and logs them: in all, on the fullest picture, beyond 100.

    Args:
        limits (dict[str, int]): What cuts detections off, by config key; pictures that reach it are
            counted.
    """

    def __init__(self, limits: dict[str, int] | None = None) -> None:
        self.limits = limits or {}
        self.numbers: list[int] = []

    def before_test_epoch(self, runner: Runner) -> None:
        """Begins anew."""
        self.numbers = []

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Sequence[Any] | None = None,
    ) -> None:
        """Counts a batch."""
        self.numbers += [len(found_objects(sample)) for sample in outputs or ()]

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Logs the counts of all processes."""
        limit = min(self.limits.values(), default=0)
        sums = torch.tensor(
            [
                len(self.numbers),
                sum(self.numbers),
                sum(number > COCO_LIMIT for number in self.numbers),
                sum(bool(limit) and number >= limit for number in self.numbers),
            ]
        )
        most = torch.tensor(max(self.numbers, default=0))
        all_reduce(sums, 'sum')
        all_reduce(most, 'max')
        runner.logger.info(counted(*sums.tolist(), most.item(), self.limits))


def counted(images: int, found: int, beyond: int, full: int, most: int, limits: dict[str, int]) -> str:
    """The counts in words."""
    text = f'Detections: {found} on {images} images, at most {most} on one.'
    if beyond:
        text += (
            f' {beyond} images have more than {COCO_LIMIT}; how many of them a metric counts is its '
            'own setting (proposal_nums of CocoMetric).'
        )
    if full:
        key, limit = min(limits.items(), key=lambda item: item[1])
        text += f' {full} images are full: {key}={limit} may have cut more off.'
    return text
