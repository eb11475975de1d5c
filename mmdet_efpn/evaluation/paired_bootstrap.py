"""Whether one detector's AP differs from another's by more than the choice of test images explains.

The test images are drawn anew, with replacement, many times, the same ones for both detectors, and both
are evaluated on each draw. What is not covered: that another training seed gives another detector.
"""

import contextlib
import io

import numpy as np
from mmengine.config import Config
from pycocotools.coco import COCO

from .annotated_set import detections_of, read_annotated_set, read_predictions, require_same_images
from .coco_engine import BoxEvaluation, detections_to_evaluate, truth_to_evaluate
from .figure_tables import shown
from .presets import PRESETS
from .rules import Preset


class BootstrapEvaluation:
    """COCO's box evaluation of one detector, on all images or on a draw of them.

    Args:
        truth (COCO): The annotations; what is marked ``ignore`` or ``iscrowd`` does not count.
        predictions (list[dict]): As ``mmdet-efpn test --out`` writes them: ``img_id`` and
            ``pred_instances`` with ``bboxes`` (n, 4; x1, y1, x2, y2 in pixels), ``scores`` and
            ``labels``.
        category_ids (list[int]): The annotations' category of each label.
        rules (Preset): Sizes, IoUs and detections a picture. Default: COCO's.

    Raises:
        UserError: The predictions are not of exactly the annotations' images.
    """

    def __init__(
        self,
        truth: COCO,
        predictions: list[dict],
        category_ids: list[int],
        rules: Preset = PRESETS['coco'],
    ) -> None:
        require_same_images(truth, predictions)
        self.figures = [figure for figure in rules.figures if not figure.recall]
        objects = truth_to_evaluate(truth, category_ids, rules.uncertain_too)
        found = detections_to_evaluate(objects, detections_of(predictions, category_ids))
        self.evaluation = BoxEvaluation(objects, found, category_ids, objects.getImgIds(), rules)
        with contextlib.redirect_stdout(io.StringIO()):
            self.evaluation.evaluate()
        self.num_images = len(self.evaluation.params.imgIds)

    @property
    def names(self) -> list[str]:
        """What :meth:`on` gives."""
        return [figure.title for figure in self.figures]

    def on(self, draw: np.ndarray) -> np.ndarray:
        """The precisions on the images with these indices, which may repeat; -1 where no box counts."""
        drawn = self.evaluation.on(draw)
        return np.array([drawn.value(figure) for figure in self.figures])


def compare(
    first: BootstrapEvaluation, second: BootstrapEvaluation, draws: int, seed: int
) -> list[dict]:
    """Both detectors' precisions on all images, and the spread of their difference over draws.

    Returns:
        list[dict]: For each precision: ``metric``, ``first``, ``second``, ``difference`` (second less
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
        for i, name in enumerate(first.names)
    ]


def table(rows: list[dict]) -> str:
    """The comparison as Markdown."""
    lines = ['| | first | second | difference | 95 % of draws |', '| --- | --- | --- | --- | --- |']
    lines += [
        f'| {row["metric"]} | {shown(row["first"])} | {shown(row["second"])} | {row["difference"]:+.3f} '
        f'| {row["low"]:+.3f} to {row["high"]:+.3f} |'
        for row in rows
    ]
    return '\n'.join(lines)


def read_detectors(cfg: Config, *predictions: str) -> list[BootstrapEvaluation]:
    """The evaluations of several files of predictions of one config's test set, by its metric's rules.

    Args:
        cfg (Config): The config.
        *predictions (str): Files as ``mmdet-efpn test --out`` writes them.

    Raises:
        MissingFileError: There is no such file.
        UserError: The predictions are not of exactly the test set's images.
    """
    files = read_predictions(*predictions)
    judged = read_annotated_set(cfg)
    return [BootstrapEvaluation(judged.truth, found, judged.cat_ids, judged.rules) for found in files]
