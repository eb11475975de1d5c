"""A config's test set as its metric sees it: annotations, classes and rules; and predictions of it."""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmdet.registry import DATASETS
from mmengine.config import Config
from mmengine.dataset import ConcatDataset
from mmengine.registry import init_default_scope
from pycocotools.coco import COCO

from ..checkpoints import read_predictions as read_one
from ..datasets.checks import check_classes, open_annotations
from ..utils.errors import UserError
from .coco_engine import BoxEvaluation, detections_to_evaluate, truth_to_evaluate
from .detection_numbers import box_evaluator, rules_of
from .rules import Preset


@dataclass(frozen=True)
class AnnotatedSet:
    """Annotations of a test set, and how they are judged.

    Attributes:
        truth: The annotations.
        cat_ids: The category of each label.
        classes: Its name.
        rules: Sizes, IoUs and detections a picture.
    """

    truth: COCO
    cat_ids: list[int]
    classes: tuple[str, ...]
    rules: Preset


def read_annotated_set(cfg: Config) -> AnnotatedSet:
    """The test set of a config, with the annotation file of its metric or else of its data set.

    Raises:
        MissingFileError: There is no such file.
        UserError: The file is damaged, its classes are others than the data set's, or a data set in
            parts comes without a metric that names the joint file.
    """
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    dataset.full_init()
    path, classes = _annotation_file(cfg, dataset), tuple(dataset.metainfo['classes'])
    with contextlib.redirect_stdout(io.StringIO()):
        truth = open_annotations(path)
    check_classes(path, truth.dataset['categories'], classes)
    return AnnotatedSet(truth, truth.getCatIds(catNms=classes), classes, rules_of(cfg))


def _annotation_file(cfg: Config, dataset: Any) -> str:
    evaluator = box_evaluator(cfg)
    if evaluator is not None and evaluator[1].get('ann_file'):
        return evaluator[1]['ann_file']
    while not isinstance(dataset, ConcatDataset) and hasattr(dataset, 'dataset'):
        dataset = dataset.dataset
    if path := getattr(dataset, 'ann_file', ''):
        return path
    where = evaluator[0] if evaluator else 'test_evaluator'
    raise UserError(
        f'test_dataloader.dataset is a {type(dataset).__name__} without one annotation file: set '
        f'{where}.ann_file to a COCO file of all its pictures, with type CocoMetric or SmallObjectMetric'
    )


def read_predictions(*names: str | Path) -> list[list[dict]]:
    """Files of predictions as ``mmdet-efpn test --out`` writes them.

    Raises:
        MissingFileError: There is no such file.
    """
    return [read_one(name) for name in names]


def require_same_images(truth: COCO, predictions: Sequence[dict]) -> None:
    """Raises an error if predictions are not of exactly the annotations' images."""
    if sorted(prediction['img_id'] for prediction in predictions) != sorted(truth.getImgIds()):
        raise UserError(
            f'the predictions are of {len(predictions)} images, the annotations of '
            f'{len(truth.getImgIds())}: not the same ones'
        )


def evaluate_predictions(judged: AnnotatedSet, predictions: Sequence[dict]) -> BoxEvaluation:
    """COCO's evaluation of predictions under the test set's rules, matched and accumulated.

    Args:
        judged (AnnotatedSet): The test set.
        predictions (Sequence[dict]): As ``mmdet-efpn test --out`` writes them.

    Raises:
        UserError: The predictions are not of exactly the test set's images.
    """
    require_same_images(judged.truth, predictions)
    truth = truth_to_evaluate(judged.truth, judged.cat_ids, judged.rules.uncertain_too)
    found = detections_to_evaluate(truth, detections_of(predictions, judged.cat_ids))
    return BoxEvaluation(truth, found, judged.cat_ids, truth.getImgIds(), judged.rules).run()


def detections_of(predictions: Sequence[dict], cat_ids: Sequence[int]) -> list[dict]:
    """Predictions in COCO's form, a dict for each box.

    Args:
        predictions (Sequence[dict]): ``img_id`` and ``pred_instances`` with ``bboxes`` (n, 4; x1, y1,
            x2, y2 in pixels), ``scores`` and ``labels``.
        cat_ids (Sequence[int]): The category of each label.
    """
    found = []
    for prediction in predictions:
        boxes = prediction['pred_instances']
        for (left, top, right, bottom), score, label in zip(
            boxes['bboxes'].tolist(), boxes['scores'].tolist(), boxes['labels'].tolist(), strict=True
        ):
            found.append(
                dict(
                    image_id=prediction['img_id'],
                    score=score,
                    category_id=cat_ids[label],
                    bbox=[left, top, right - left, bottom - top],
                )
            )
    return found
