"""All that an inspection finds: sizes, positives, numbers of objects, and what follows."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from mmdet.registry import DATASETS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from ..datasets import Boxes, boxes_after_pipeline, leaves
from ..engine import require_annotations
from ..engine.checks import dense_head, read_checked, warn_of_ignored_regions
from ..evaluation import numbers_of_detections
from ..utils.config_parts import inner_detector
from ..utils.errors import UserError
from .advice import Advice, Facts
from .anchor_fit import mean_best_ious
from .facts import gather_facts, limits_of, objects_by_picture
from .matching import Matching, match, pooled_from, roi_strides
from .rules import Fit, recommend
from .subjects import Subject, subjects_of

MOST_PICTURES = 5000
Watch = Callable[[str], Callable[[Sequence], Iterable]]


@dataclass(frozen=True)
class Column:
    """What one detector makes of the boxes.

    Attributes:
        name: ``plain`` or ``extended``.
        strides: Strides in pixels of its levels.
        matching: Positive anchors or points; ``None`` without any, or if it cannot be built.
        pooled: (n,) stride that each box's RoI is pooled at; ``None`` without RoI heads.
    """

    name: str
    strides: tuple[int, ...]
    matching: Matching | None
    pooled: np.ndarray | None


@dataclass(frozen=True)
class Findings:
    """The result of an inspection.

    Attributes:
        source: The config or annotation file.
        classes: Names.
        dataset: The training set, built.
        pictures: How many it has, and how many were looked at.
        ignored: Number of ignored regions.
        facts: Sizes and numbers that the rules read.
        columns: One a detector.
        numbers: Settings that limit detections, by config key.
        counted: The metric's number of detections, in words.
        notes: Warnings.
        advice: Recommendations.
        has_pictures: Whether the image files are there to be shown.
        own_config: Whether the config is the user's, not a standard one.
    """

    source: str
    classes: tuple[str, ...]
    dataset: Any
    pictures: tuple[int, int]
    ignored: int
    facts: Facts
    columns: list[Column]
    numbers: dict[str, int]
    counted: str
    notes: list[str]
    advice: list[Advice]
    has_pictures: bool = True
    own_config: bool = True

    @property
    def matched(self) -> list[tuple[str, Matching]]:
        """Name and positives of each detector that has some."""
        return [(one.name, one.matching) for one in self.columns if one.matching is not None]

    @property
    def pooled(self) -> list[tuple[str, np.ndarray]]:
        """Name, and the stride (n,) that each box is pooled at, of each detector with RoI heads."""
        return [(one.name, one.pooled) for one in self.columns if one.pooled is not None]


def _unwatched(title: str) -> Callable[[Sequence], Iterable]:
    return iter


def inspect_config(
    cfg: Config,
    source: str,
    samples: int = MOST_PICTURES,
    watch: Watch = _unwatched,
    has_pictures: bool = True,
) -> Findings:
    """Looks at a config's training data as its detector would see them.

    Args:
        cfg (Config): A detector's config with a ``train_dataloader``; changed in place: plain COCO sets
            are read with checks.
        source (str): What the report calls it.
        samples (int): At most so many pictures, evenly spread. Default 5000.
        watch (Watch): Takes a title, and gives what makes a progress bar of a sequence. Default: none.
        has_pictures (bool): Whether the image files are there to be shown. Default True.

    Returns:
        Findings: The figures, and what follows from them.

    Raises:
        UserError: The config has no model or no training set, the data have a fault, or no box is left.
        MissingFileError: An annotation file or a picture is missing.
    """
    if not isinstance(cfg.get('model'), dict) or not cfg.get('train_dataloader'):
        raise UserError(
            f'{source} has no model or no train_dataloader: inspect the config of a training'
        )
    require_annotations(cfg, ('train',))
    read_checked(cfg, ('train_dataloader',))
    init_default_scope('mmdet')
    with _one_thread():
        return _inspect(cfg, source, samples, watch, has_pictures)


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Lets torch use one thread while the body runs: on small tensors others mostly wait."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _inspect(cfg: Config, source: str, samples: int, watch: Watch, has_pictures: bool) -> Findings:
    """:func:`inspect_config`, once the config is looked at."""
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    subjects, cannot, notes = subjects_of(cfg)
    seen = boxes_after_pipeline(dataset, samples, watch('reading boxes'))
    if not any(len(sample.boxes) for sample in seen):
        raise UserError(f'{source}: no box of the training set is left after its pipeline')
    columns = _columns(subjects, seen, watch)
    counts, ignored = objects_by_picture(dataset)
    facts = gather_facts(cfg, subjects, cannot, seen, counts, _at_stride_two(columns[-1]))
    regions = warn_of_ignored_regions(ignored, cfg.model)
    numbers = numbers_of_detections(cfg)
    notes += filter(None, [regions, numbers.warning()])
    return Findings(
        source,
        tuple(leaves(dataset)[0].metainfo.get('classes') or ()),
        dataset,
        (len(dataset), len(seen)),
        ignored,
        facts,
        columns,
        limits_of(inner_detector(cfg.model)),
        f'{numbers.metric}; compare and errors count {numbers.compared}.',
        notes,
        recommend(facts, _fit(subjects, facts, seen)),
        has_pictures,
        not source.endswith('.json'),
    )


def _columns(subjects: Sequence[Subject], seen: Sequence[Boxes], watch: Watch) -> list[Column]:
    columns: list[Column] = []
    known: dict[str, Matching | None] = {}
    for subject in subjects:
        if subject.detector is None:
            columns.append(Column(subject.name, (), None, None))
            continue
        key = _head_settings(subject.detector)
        if key not in known:  # an RPN on the plain levels is the same in both
            known[key] = match(subject.detector, seen, watch(f'matching boxes, {subject.name}'))
        level = pooled_from(subject.detector, seen)
        pooled = None if level is None else np.array(roi_strides(subject.detector))[level]
        columns.append(Column(subject.name, subject.strides, known[key], pooled))
    return columns


def _at_stride_two(column: Column) -> float | None:
    """The share of boxes that learn at stride 2: by positives there, or as RoIs."""
    if 2 not in column.strides:
        return None
    if column.pooled is not None:
        return float(np.mean(column.pooled == 2))
    matching = column.matching
    return None if matching is None else matching.share(level=matching.strides.index(2))


def _head_settings(detector: Any) -> str:
    """What decides the positives of a detector, as text."""
    head = dense_head(detector)
    if head is None:
        return ''
    assigner, ranges = getattr(head, 'assigner', None), getattr(head, 'regress_ranges', None)
    rules = {} if assigner is None else {k: v for k, v in vars(assigner).items() if not callable(v)}
    generator = head.prior_generator
    anchors = [level.tolist() for level in getattr(generator, 'base_anchors', ())]
    return f'{type(assigner)} {rules} {generator.strides} {anchors} {ranges} {_border(head)}'


def _border(head: Any) -> Any:
    return (getattr(head, 'train_cfg', None) or {}).get('allowed_border')


def _fit(subjects: Sequence[Subject], facts: Facts, seen: Sequence[Boxes]) -> Fit | None:
    """The rules' measure of anchors, on the levels of the config's own detector."""
    head = None if subjects[0].detector is None else dense_head(subjects[0].detector)
    if head is None or facts.anchor is None:
        return None
    return partial(mean_best_ious, head.prior_generator, seen)
