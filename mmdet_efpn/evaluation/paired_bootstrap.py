"""Whether one detector's AP differs from another's by more than the choice of test images explains.

The test images are drawn anew, with replacement, many times, the same ones for both detectors, and both
are evaluated on each draw. What is not covered: that another training seed gives another detector.
"""

import contextlib
import copy
import io
from pathlib import Path

import numpy as np
from mmdet.registry import DATASETS
from mmengine.registry import init_default_scope
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from ..checkpoints import read_predictions
from ..utils.errors import MissingFileError, UserError
from ..utils.read_config import read_config

METRICS = {'AP': 0, 'AP50': 1, 'AP75': 2, 'AP small': 3, 'AP medium': 4}  # places in COCOeval.stats


class BootstrapEvaluation:
    """COCO's box evaluation of one detector, on all images or on a draw of them.

    Args:
        truth (COCO): The annotations.
        predictions (list[dict]): As ``mmdet-efpn test --out`` writes them: ``img_id`` and
            ``pred_instances`` with ``bboxes`` (n, 4; x1, y1, x2, y2 in pixels), ``scores`` and
            ``labels``.
        category_ids (list[int]): The annotations' category of each label.

    Raises:
        UserError: The predictions are not of exactly the annotations' images.
    """

    def __init__(self, truth: COCO, predictions: list[dict], category_ids: list[int]) -> None:
        predicted = sorted(prediction['img_id'] for prediction in predictions)
        if predicted != sorted(truth.getImgIds()):
            raise UserError(
                f'the predictions are of {len(predicted)} images, the annotations of '
                f'{len(truth.getImgIds())}: not the same ones'
            )
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
                        category_id=category_ids[label],
                        bbox=[left, top, right - left, bottom - top],
                    )
                )
        with contextlib.redirect_stdout(io.StringIO()):
            self.evaluation = COCOeval(truth, truth.loadRes(found), 'bbox')
            self.evaluation.params.catIds = category_ids
            self.evaluation.evaluate()
        self.num_images = len(self.evaluation.params.imgIds)

    def on(self, draw: np.ndarray) -> np.ndarray:
        """The ``METRICS`` on the images with these indices, which may repeat."""
        drawn, per_image = copy.copy(self.evaluation), self.evaluation.evalImgs
        drawn.params, drawn._paramsEval = copy.copy(drawn.params), copy.copy(drawn._paramsEval)
        # for COCOeval an image is a place in evalImgs; an image drawn twice is two places
        drawn.params.imgIds = drawn._paramsEval.imgIds = list(range(len(draw)))
        rows = len(per_image) // self.num_images  # of categories and areas
        drawn.evalImgs = [per_image[row * self.num_images + i] for row in range(rows) for i in draw]
        with contextlib.redirect_stdout(io.StringIO()):
            drawn.accumulate()
            drawn.summarize()
        return drawn.stats[list(METRICS.values())]


def compare(
    first: BootstrapEvaluation, second: BootstrapEvaluation, draws: int, seed: int
) -> list[dict]:
    """Both detectors' metrics on all images, and the spread of their difference over draws.

    Returns:
        list[dict]: For each metric: ``metric``, ``first``, ``second``, ``difference`` (second less
        first) and ``low`` and ``high``, between which nineteen of twenty draws have it.
    """
    generator = np.random.default_rng(seed)
    everything = np.arange(first.num_images)
    whole = np.stack([first.on(everything), second.on(everything)])
    differences = []
    for _ in range(draws):
        draw = generator.integers(0, first.num_images, first.num_images)
        differences.append(second.on(draw) - first.on(draw))
    low, high = np.quantile(differences, (0.025, 0.975), axis=0)
    return [
        dict(
            metric=name,
            first=whole[0, i],
            second=whole[1, i],
            difference=whole[1, i] - whole[0, i],
            low=low[i],
            high=high[i],
        )
        for i, name in enumerate(METRICS)
    ]


def table(rows: list[dict]) -> str:
    """The comparison as Markdown."""
    lines = ['| | first | second | difference | 95 % of draws |', '| --- | --- | --- | --- | --- |']
    lines += [
        f'| {row["metric"]} | {row["first"]:.3f} | {row["second"]:.3f} | {row["difference"]:+.3f} '
        f'| {row["low"]:+.3f} to {row["high"]:+.3f} |'
        for row in rows
    ]
    return '\n'.join(lines)


def read_detectors(config: str, *predictions: str) -> list[BootstrapEvaluation]:
    """The evaluations of several files of predictions of one config's test set.

    Args:
        config (str): The config: its path, or ``package::path``.
        *predictions (str): Files as ``mmdet-efpn test --out`` writes them.

    Raises:
        MissingFileError: There is no such file.
        UserError: The predictions are not of exactly the test set's images.
    """
    for name in predictions:
        if not Path(name).is_file():
            raise MissingFileError(f'predictions not found: {name} (looked from {Path.cwd()})')
    cfg = read_config(config)
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    dataset.full_init()
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(dataset.ann_file)
    return [BootstrapEvaluation(truth, read_predictions(name), dataset.cat_ids) for name in predictions]
