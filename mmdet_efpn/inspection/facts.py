"""The figures that the rules read, from a config, its data and its detectors."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.config import Config

from ..datasets import Boxes, leaves
from ..engine.checks import dense_head
from ..evaluation import numbers_of_detections
from ..utils.config_parts import inner_detector, typed_parts
from .advice import Facts
from .anchor_fit import smallest_side
from .subjects import EXTENDED, Subject

_PROPOSALS = {'nms_pre', 'max_per_img'}


def objects_by_picture(dataset: Any) -> tuple[np.ndarray, int]:
    """Objects of each picture, and the number of all ignored regions."""
    counts, ignored = [], 0
    for leaf in leaves(dataset):
        for place in range(len(leaf)):
            flags = [
                bool(one.get('ignore_flag')) for one in leaf.get_data_info(place).get('instances', ())
            ]
            counts.append(flags.count(False))
            ignored += flags.count(True)
    return np.array(counts), ignored


def gather_facts(
    cfg: Config,
    subjects: Sequence[Subject],
    cannot: str | None,
    seen: Sequence[Boxes],
    counts: np.ndarray,
    at_stride_two: float | None,
) -> Facts:
    """What the rules read.

    Args:
        cfg (Config): The config.
        subjects (Sequence[Subject]): Its detector first.
        cannot (str | None): Why it cannot be extended.
        seen (Sequence[Boxes]): Boxes of pictures as the detector sees them; one at least.
        counts (np.ndarray): Objects of each picture.
        at_stride_two (float | None): The share of boxes that learn at stride 2.
    """
    corners = torch.cat([sample.boxes for sample in seen if len(sample.boxes)])
    shape = np.array([(sample.width, sample.height) for sample in seen], float)
    files = np.array(
        [(sample.original or (sample.height, sample.width))[::-1] for sample in seen], float
    )
    width, height = (int(side) for side in np.median(files, 0).round())
    seen_as: list[int] = np.median(shape, 0).round().astype(int).tolist()
    model = inner_detector(cfg.model)
    rpn = (model.get('test_cfg') or {}).get('rpn') or {}
    scales = _scales(cfg.train_dataloader, 'train_dataloader')
    tested = _scales(cfg.get('val_dataloader') or {}, 'val_dataloader')
    tested |= _scales(cfg.get('test_dataloader') or {}, 'test_dataloader')
    first = subjects[0]
    extended = first.name == EXTENDED
    finest = min(first.strides, default=4)
    head = None if first.detector is None else dense_head(first.detector)
    return Facts(
        sizes=(corners[:, 2:] - corners[:, :2]).clamp(min=0).double().numpy(),
        counts=counts,
        factor=float(np.median(np.sqrt(shape.prod(1) / files.prod(1)))),
        original=(width, height),
        scale=next(iter(scales.values())) if len({*scales.values()}) == 1 else (seen_as[0], seen_as[1]),
        stride=max(finest, 4) if extended else finest,
        two_stage=bool(model.get('roi_head')),
        extended=extended,
        cannot=cannot,
        anchor=None if head is None else _anchor(cfg.model, head.prior_generator),
        kept=numbers_of_detections(cfg).model,
        proposals=(rpn['nms_pre'], rpn['max_per_img']) if set(rpn) >= _PROPOSALS else None,
        at_stride_two=at_stride_two,
        scale_keys=tuple(scales | tested) if len({*scales.values(), *tested.values()}) == 1 else (),
    )


def _scales(part: Any, where: str) -> dict[str, tuple[int, int]]:
    """Longest long side and short side of each resizing to one size, by its config key."""
    found = {}
    for key, step in typed_parts(part, where):
        scale: Any = step.get('scale')
        one_size = isinstance(scale, (list, tuple)) and [type(side) for side in scale] == [int, int]
        if one_size and str(step['type']).endswith('Resize'):
            found[f'{key}.scale'.replace('[', '.').replace(']', '')] = (max(scale), min(scale))
    return found


def _anchor(model: Mapping, generator: Any) -> tuple[str, float, float] | None:
    """Config key of the number that sets the anchors' sizes, the smallest in pixels, and for a 1."""
    side = smallest_side(generator)
    for key, part in typed_parts(model, 'model'):
        if side is not None and key.endswith('.anchor_generator'):
            if part.get('octave_base_scale'):
                return f'{key}.octave_base_scale', side, side / part['octave_base_scale']
            if len(part.get('scales') or ()) == 1:
                return f'{key}.scales', side, side / part['scales'][0]
    return None


def limits_of(model: Mapping) -> dict[str, int]:
    """Settings of a detector's ``test_cfg`` that limit candidates and detections, by config key."""
    settings = model.get('test_cfg') or {}
    parts = {'test_cfg': settings}
    parts |= {f'test_cfg.{k}': settings[k] for k in ('rpn', 'rcnn') if isinstance(settings.get(k), dict)}
    names = ('nms_pre', 'max_per_img', 'max_per_image')
    return {
        f'{where}.{name}': part[name]
        for where, part in parts.items()
        for name in names
        if isinstance(part.get(name), int)
    }
