"""Settings of a config that drop tiny objects without a word."""

from collections.abc import Iterator

from mmengine.config import Config

from .probe import plain_type
from .report import Report

PARTS = ('model', 'train_dataloader', 'val_dataloader', 'test_dataloader')
ENOUGH = 1  # px; what is smaller is no object
# Key: what it does to objects up to its value, and the value that keeps them.
THRESHOLDS = dict(
    min_gt_bbox_wh=('ground truth up to {} px wide or high is left out of training', '(0, 0)'),
    bbox_min_size=('objects under {} px are ignored in training and in the metric', '0'),
    min_bbox_size=('boxes up to {} px wide or high are left out', '0'),
)


def note_dropped_objects(cfg: Config, report: Report) -> None:
    """Names each setting that drops objects by their size, and the value that would keep them."""
    for part in PARTS:
        for key, name, value in _thresholds(cfg.get(part), part):
            what, keeps = THRESHOLDS[name]
            report.left(f'{key}={value!r}: {what.format(f"{_largest(value):g}")}; {keeps} keeps them')


def _thresholds(part, key: str) -> Iterator[tuple[str, str, object]]:
    if isinstance(part, dict):
        for name, value in part.items():
            if name in THRESHOLDS and _largest(value) > ENOUGH:
                yield f'{key}.{name}', name, value
            else:
                yield from _thresholds(value, f'{key}.{name}')
    elif isinstance(part, (list, tuple)):
        for place, value in enumerate(part):
            kind = f' ({plain_type(value)})' if isinstance(value, dict) and 'type' in value else ''
            yield from _thresholds(value, f'{key}[{place}]{kind}')


def _largest(value) -> float:
    """The largest number of a threshold for width and height, or its one number."""
    values = value if isinstance(value, (list, tuple)) else (value,)
    return max((v for v in values if isinstance(v, (int, float))), default=0)
