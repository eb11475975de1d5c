"""What a detector found in a picture, whatever kind of detector it is."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from .config_parts import locate_detector

SEGMENTS_OF_A_CLASS = 1000  # a panoptic map holds class + 1000 * number, as MMDetection writes it


class FoundObjects(NamedTuple):
    """Objects in one picture: (n, 4) boxes ``x1, y1, x2, y2`` in its pixels, n scores and n classes."""

    bboxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.scores)

    def above(self, score: float) -> 'FoundObjects':
        """Those of at least a score, the surest last."""
        order = self.scores.argsort(kind='stable')
        order = order[self.scores[order] >= score]
        return FoundObjects(self.bboxes[order], self.scores[order], self.labels[order])


def found_objects(sample: Any, things: int | None = None) -> FoundObjects:
    """The objects of a predicted data sample.

    Boxes are those of ``pred_instances``, or drawn around their masks where a detector gives masks
    alone. Of a panoptic map without instances, each segment is an object of score 1.

    Args:
        sample: A ``DetDataSample``, predicted.
        things (int, optional): Classes from this number on are not countable (sky, road): their
            segments are left out. Default: all count.
    """
    instances = getattr(sample, 'pred_instances', None)
    if instances is not None and 'scores' in instances:
        boxes = _numpy(instances.bboxes) if 'bboxes' in instances else np.zeros((len(instances), 4))
        if 'masks' in instances and not boxes.any():
            boxes = boxes_around(_numpy(instances.masks))
        return FoundObjects(boxes.reshape(-1, 4), _numpy(instances.scores), _numpy(instances.labels))
    panoptic = getattr(sample, 'pred_panoptic_seg', None)
    if panoptic is None:
        return FoundObjects(np.zeros((0, 4)), np.zeros(0), np.zeros(0, dtype=int))
    segments = _numpy(panoptic.sem_seg).reshape(panoptic.sem_seg.shape[-2:])
    kinds = np.unique(segments)
    labels = kinds % SEGMENTS_OF_A_CLASS
    countable = np.ones(len(kinds), dtype=bool) if things is None else labels < things
    masks = segments == kinds[countable][:, None, None]
    return FoundObjects(boxes_around(masks), np.ones(len(masks)), labels[countable])


def boxes_around(masks: np.ndarray) -> np.ndarray:
    """The boxes (n, 4) around n masks (n, h, w); zeros for an empty one."""
    boxes = np.zeros((len(masks), 4))
    for box, mask in zip(boxes, masks, strict=True):
        rows, columns = mask.any(axis=1).nonzero()[0], mask.any(axis=0).nonzero()[0]
        if len(rows):
            box[:] = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    return boxes


def limits_of_detections(model: Mapping[str, Any]) -> dict[str, int]:
    """How many detections a picture a model's config lets through, by config key.

    Of a two-stage detector, those of the second stage; of a wrapper, those of the detector inside.

    Example:
        >>> test_cfg = dict(rpn=dict(max_per_img=1000), rcnn=dict(max_per_img=9))
        >>> limits_of_detections(dict(detector=dict(test_cfg=test_cfg)))
        {'model.detector.test_cfg.rcnn.max_per_img': 9}
    """
    where, detector = locate_detector(model)
    settings, where = detector.get('test_cfg') or {}, f'{where}.test_cfg'
    if isinstance(settings.get('rcnn'), Mapping):
        settings, where = settings['rcnn'], f'{where}.rcnn'
    named = {f'{where}.{key}': settings.get(key) for key in ('max_per_img', 'max_per_image')}
    return {key: value for key, value in named.items() if isinstance(value, int) and value > 0}


def _numpy(values: Any) -> np.ndarray:
    values = getattr(values, 'tensor', values)  # of MMDetection's box classes
    if isinstance(values, Tensor):
        values = values.detach().cpu()
        return (values.float() if values.dtype in (torch.bfloat16, torch.float16) else values).numpy()
    return np.asarray(values)
