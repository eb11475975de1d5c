"""How many detections a picture a config's model keeps, its metric counts, and a comparison counts."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mmdet.evaluation import CocoMetric
from mmdet.registry import METRICS

from ..utils.found_objects import limits_of_detections
from .presets import PRESETS, preset_of
from .rules import Preset
from .small_object_metric import SmallObjectMetric

_COCO_MEAN = 100  # COCO's summary reads AP without an IoU here, whatever maxDets says


@dataclass(frozen=True)
class DetectionNumbers:
    """The numbers of one config; the metric's and the comparison's are a picture and class.

    Attributes:
        model: What the model keeps, by config key; ``None`` where its config does not say.
        metric: The metric's setting, by config key, and in words what it counts.
        counted: How many detections each of the metric's precisions counts; 0 for one that it cannot
            compute.
        compared: How many ``compare`` and ``errors`` count.
    """

    model: tuple[str, int] | None
    metric: str
    counted: tuple[int, ...]
    compared: int

    def warning(self) -> str | None:
        """What disagrees, with all three numbers and the remedy; ``None`` if nothing does."""
        if 0 not in self.counted and (
            self.model is None or min(*self.counted, self.compared) >= self.model[1]
        ):
            return None
        model = (
            'the model keeps any number' if self.model is None else f'{self.model[0]}={self.model[1]}'
        )
        needed = self.model[1] if self.model else self.compared
        return (
            f'numbers of detections a picture disagree: {model}; {self.metric}; '
            f'compare and errors count {self.compared}. To count the same everywhere: '
            f"test_evaluator=dict(type='SmallObjectMetric', max_dets={needed}, ...)"
        )


def kept_by(model: Mapping) -> tuple[str, int] | None:
    """How many detections a picture a model's config keeps, with its key; ``None`` if it does not say.

    Example:
        >>> kept_by(dict(test_cfg=dict(rpn=dict(max_per_img=1000), rcnn=dict(max_per_img=300))))
        ('model.test_cfg.rcnn.max_per_img', 300)
    """
    return next(iter(limits_of_detections(model).items()), None)


def box_evaluator(cfg: Mapping) -> tuple[str, Mapping] | None:
    """The config's metric of boxes in COCO's manner, with its key; ``None`` if it has none.

    Among several, one of this package comes before MMDetection's own.
    """
    evaluators = cfg.get('test_evaluator') or {}
    single = isinstance(evaluators, Mapping)
    named = [('test_evaluator', evaluators)] if single else []
    if not single:
        named = [(f'test_evaluator[{place}]', entry) for place, entry in enumerate(evaluators)]
    found = []
    for where, entry in named:
        kind = METRICS.get(entry['type']) if isinstance(entry.get('type'), str) else entry.get('type')
        if isinstance(kind, type) and issubclass(kind, CocoMetric):
            found.append((not issubclass(kind, SmallObjectMetric), where, entry))
    return min(found, key=lambda item: item[0])[1:] if found else None


def rules_of(cfg: Mapping) -> Preset:
    """The rules by which a config's test results are compared: its metric's.

    There is one number of detections, the metric's largest. Where the config has no metric in COCO's
    manner, the rules are COCO's, and the number is at least what the model keeps.
    """
    found = box_evaluator(cfg)
    if found is None:
        kept = kept_by(cfg.get('model') or {})
        most = max(kept[1] if kept else 0, PRESETS['coco'].ap_max_det)
        return preset_of('coco', max_dets=[most])
    entry = found[1]
    if _is_own(entry):
        names = ('preset', 'area_edges', 'max_dets', 'iou_thrs')
        rules = preset_of(**_filled({name: entry.get(name) for name in names}))
        return replace(rules, max_dets=(rules.ap_max_det,))
    most = max(_proposal_nums(entry))
    return preset_of('coco', max_dets=[most], iou_thrs=entry.get('iou_thrs'))


def numbers_of_detections(cfg: Mapping) -> DetectionNumbers:
    """The numbers of detections in a config's model, its test metric, and ``compare``.

    Example:
        >>> model = dict(test_cfg=dict(max_per_img=300))
        >>> numbers_of_detections(dict(model=model, test_evaluator=dict(type='CocoMetric'))).counted
        (100, 1000)
    """
    kept, compared = kept_by(cfg.get('model') or {}), rules_of(cfg).ap_max_det
    found = box_evaluator(cfg)
    if found is None:
        return DetectionNumbers(kept, 'no metric in the manner of COCO', (compared,), compared)
    where, entry = found
    if _is_own(entry):
        text = f'{where}.max_dets={compared}'
        return DetectionNumbers(kept, text, (compared,), compared)
    numbers = sorted(_proposal_nums(entry))
    mean = _COCO_MEAN if _COCO_MEAN in numbers else 0
    others = numbers[2] if len(numbers) > 2 else 0
    counts = f'counts {mean}' if mean else f'is -1, for {_COCO_MEAN} is not among them'
    rest = f'all other precisions count {others}' if others else 'the rest needs three numbers'
    text = f'{where}.proposal_nums={tuple(numbers)} ({entry["type"]}: mAP {counts}, {rest})'
    return DetectionNumbers(kept, text, (mean, others), compared)


def _is_own(entry: Mapping) -> bool:
    kind = METRICS.get(entry['type']) if isinstance(entry['type'], str) else entry['type']
    return issubclass(kind, SmallObjectMetric)


def _proposal_nums(entry: Mapping) -> list[int]:
    return list(entry.get('proposal_nums') or (100, 300, 1000))


def _filled(options: dict) -> dict:
    options = {name: value for name, value in options.items() if value is not None}
    return {'name': options.pop('preset', 'coco'), **options}
