"""COCO's metric with the sizes, IoUs and detections a picture that papers on small objects use."""

import contextlib
import io
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmdet.datasets.api_wrappers import COCO
from mmdet.evaluation import CocoMetric
from mmdet.registry import METRICS
from mmengine.fileio import load
from mmengine.logging import MMLogger

from ..datasets.checks import check_classes
from ..utils.errors import UserError
from ..utils.known_names import known_arguments_only, unknown_argument
from .coco_engine import BoxEvaluation, detections_to_evaluate, truth_to_evaluate
from .figure_tables import class_table, figure_table
from .presets import preset_of
from .toolkits import counts_by_size, optimal_lrp, visdrone_figures

_INSTEAD = dict(
    proposal_nums='max_dets, the detections a picture and class',
    use_mp_eval='nothing in its place: it evaluates in one process',
    file_client_args='backend_args',
)


@METRICS.register_module()
@known_arguments_only
class SmallObjectMetric(CocoMetric):
    """MMDetection's ``CocoMetric`` for boxes, under the rules of a benchmark.

    COCO's evaluator does the work. Unlike in ``CocoMetric``, annotations marked ``ignore`` are regions
    that don't count, as ``iscrowd`` ones are; all precisions count the same number of detections;
    figures are not rounded; and where nothing is detected they are 0, not missing.

    Args:
        preset: ``coco``, ``aitod``, ``soda``, ``visdrone``, ``tinyperson`` or ``tt100k``; the page
            ``docs/how_to/metrics.md`` has their numbers and sources.
        area_edges: Sides in pixels between which the sizes lie, in the place of the preset's:
            ``[8, 16, 32, 64]`` makes 0-8, 8-16, 16-32, 32-64 and 64+.
        max_dets: Detections a picture and class. AP counts the largest number; a single number takes the
            place of the preset's largest.
        iou_thrs: IoU thresholds in the place of the preset's.
        classwise: Also log AP of each class, and give it as ``NAME_precision``.
        olrp: Also give the optimal LRP error and its parts (:func:`optimal_lrp`).
        score_thr: The preset ``tt100k``'s score threshold. Default: the one with the best F1.
        metric_items: Names of the figures to give, without ``bbox_``. Default: all.
        prefix: What stands before the names. Default: the preset's name.
        **kwargs: ``ann_file``, ``format_only``, ``outfile_prefix``, ``backend_args``, ``collect_device``
            and ``sort_categories`` of ``CocoMetric``.

    Raises:
        UserError: There is no such preset, figure or argument, or numbers are not ascending. On
            evaluating: classes or images are others than those of the annotations.

    Example:
        >>> metric = SmallObjectMetric(preset='aitod')
        >>> [figure.name for figure in metric.rules.figures][:7]
        ['mAP', 'mAP_50', 'mAP_75', 'mAP_vt', 'mAP_t', 'mAP_s', 'mAP_m']
    """

    default_prefix = None
    _coco_api: Any
    cat_ids: Any
    img_ids: Any

    def __init__(
        self,
        preset: str = 'coco',
        area_edges: Sequence[float] | None = None,
        max_dets: int | Sequence[int] | None = None,
        iou_thrs: float | Sequence[float] | None = None,
        classwise: bool = False,
        olrp: bool = False,
        score_thr: float | None = None,
        metric_items: Sequence[str] | None = None,
        prefix: str | None = None,
        **kwargs,
    ) -> None:
        for name, instead in _INSTEAD.items():
            if name in kwargs:
                raise UserError(f'SmallObjectMetric takes no {name}, but {instead}')
        if kwargs.pop('metric', 'bbox') not in ('bbox', ['bbox']):
            raise UserError(
                "SmallObjectMetric measures boxes, metric='bbox'; add a CocoMetric for others"
            )
        if score_thr is not None and preset != 'tt100k':
            raise UserError(
                f'score_thr={score_thr}: only the preset tt100k has a score threshold, not {preset}'
            )
        self.rules = preset_of(preset, area_edges, max_dets, iou_thrs)
        self.olrp, self.score_thr = olrp, score_thr
        self.ann_file = kwargs.get('ann_file')
        with contextlib.redirect_stdout(io.StringIO()):
            super().__init__(classwise=classwise, prefix=prefix or preset, **kwargs)
        self.metric_items = metric_items

    def compute_metrics(self, results: list) -> dict[str, float]:
        """The figures of all pictures.

        Args:
            results (list): What :meth:`process` kept: a pair of annotations and detections a picture.

        Returns:
            dict: ``bbox_`` and each figure's name, and its value; -1 where no box counts.
        """
        logger: MMLogger = MMLogger.get_current_instance()
        found = self._write_and_read(results)
        if self.format_only:
            logger.info(f'detections written to {self.outfile_prefix}.bbox.json')
            return {}
        truth = truth_to_evaluate(self._coco_api, self.cat_ids, self.rules.uncertain_too)
        evaluation = BoxEvaluation(
            truth, detections_to_evaluate(truth, found), self.cat_ids, self.img_ids, self.rules
        ).run()
        figures = {figure.name: evaluation.value(figure) for figure in self.rules.figures}
        figures |= self._own_figures(evaluation, truth, found)
        figures = self._wanted(figures)
        logger.info('\n' + figure_table(self.rules, figures))
        classes: dict[str, float] = {}
        if self.classwise:
            names = {cat_id: truth.cats[cat_id]['name'] for cat_id in self.cat_ids}
            text, classes = class_table(evaluation, names)
            logger.info('\n' + text)
        return {f'bbox_{name}': value for name, value in figures.items()} | classes

    def _write_and_read(self, results: list) -> list[dict]:
        """The detections in COCO's form, by way of the file that ``outfile_prefix`` asks for."""
        annotations, predictions = zip(*results, strict=True)
        with tempfile.TemporaryDirectory() as folder:
            prefix = self.outfile_prefix or str(Path(folder) / 'results')
            if self._coco_api is None:
                path = self.gt_to_coco_json(gt_dicts=annotations, outfile_prefix=prefix)
                with contextlib.redirect_stdout(io.StringIO()):
                    self._coco_api = COCO(path)
            check_classes(
                str(self.ann_file), self._coco_api.dataset['categories'], self.dataset_meta['classes']
            )
            if self.cat_ids is None:
                self.cat_ids = self._coco_api.get_cat_ids(cat_names=self.dataset_meta['classes'])
            if self.img_ids is None:
                self.img_ids = self._coco_api.get_img_ids()
            return load(self.results2json(predictions, prefix)['bbox'])

    def _own_figures(
        self, evaluation: BoxEvaluation, truth: COCO, found: list[dict]
    ) -> dict[str, float]:
        """Figures by rules that COCO's evaluator does not have."""
        figures: dict[str, float] = {}
        if self.rules.name == 'visdrone':
            figures |= visdrone_figures(self._coco_api, found, self.cat_ids, self.rules)
        if self.rules.name == 'tt100k':
            figures['score_thr'], counts = counts_by_size(truth, found, self.cat_ids, self.score_thr)
            for size, count in counts.items():
                figures[f'{size}_precision'] = count.precision
                figures[f'{size}_recall'] = count.recall
                figures[f'{size}_F1'] = count.f1
        if self.olrp:
            figures |= optimal_lrp(evaluation)
        return figures

    def _wanted(self, figures: dict[str, float]) -> dict[str, float]:
        if self.metric_items is None:
            return figures
        for name in self.metric_items:
            if name not in figures:
                raise unknown_argument(type(self).__name__, name, figures, 'metric_items')
        return {name: figures[name] for name in self.metric_items}
