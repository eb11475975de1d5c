"""What P2' costs this very config: multiply-adds, anchors and memory, before and after."""

import copy
from collections.abc import Iterator
from typing import Any

import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from torch import nn

from ..evaluation import cost
from .parts.pyramid import Levels
from .probe import argument
from .report import Report

DEFAULT_SIZE = (800, 1344)  # height and width in pixels of COCO's usual pictures
ROI_SIDE = 7
TOO_MANY = 3  # times as many anchors or points as before


def note_price(cfg: Config, plain: dict, extended: dict, levels: Levels, report: Report) -> None:
    """Notes the price in the report, or that a part of the detector is not here to be counted."""
    try:
        _note(cfg, plain, extended, levels, report)
    except Exception as error:
        # What cannot be built here; the check has said so already.
        report.costs(f'not counted ({type(error).__name__}: {error})')


def _note(cfg: Config, plain: dict, extended: dict, levels: Levels, report: Report) -> None:
    """Notes the price in the report; what cannot be counted on the meta device is named.

    Args:
        cfg (Config): The config, whose test pipeline tells the size of pictures.
        plain (dict): The plain detector.
        extended (dict): The extended detector.
        levels (Levels): Strides of both pyramids.
        report (Report): Takes notes.
    """
    height, width = _image_size(cfg, plain.get('data_preprocessor') or {})
    size = f'a picture of {height}x{width}'
    channels = len((plain.get('data_preprocessor') or {}).get('mean') or (0, 0, 0))
    before, after = (
        cost.cost_of(model, height, width, channels, with_values=False) for model in (plain, extended)
    )
    if before[1] and after[1]:
        rois = _roi_macs(plain)
        report.costs(
            f'{size}: {(before[1] + rois) / 1e9:.0f} to {(after[1] + rois) / 1e9:.0f} G multiply-adds '
            f'({(after[1] + rois) / (before[1] + rois):.2f}x)'
            + ('' if rois or not plain.get('roi_head') else ', RoI heads left out')
            + f', {before[0] / 1e6:.1f} to {after[0] / 1e6:.1f} M parameters'
        )
    else:
        report.costs(f'{size}: multiply-adds are not counted ({before[2] or after[2]})')
    models = [cost.build_on_meta(model) for model in (plain, extended)]
    anchors = [_anchors(model, height, width) for model in models]
    if all(anchors):
        report.costs(
            f'anchors or points on {size}: {anchors[0]} to {anchors[1]} ({anchors[1] / anchors[0]:.1f}x)'
        )
    kept = [_kept(model, height, width, channels) for model in models]
    if not all(kept):
        report.costs('memory that training keeps: not counted, since a step needs values')
    else:
        report.costs(
            f'memory that training keeps for {size}, in float32, RoI heads left out: '
            f'{kept[0] / 2**20:.0f} to {kept[1] / 2**20:.0f} MiB ({kept[1] / kept[0]:.1f}x)'
        )
    one_stage = plain.get('bbox_head') and not plain.get('roi_head')
    at_stride_two = bool(levels.added) and levels.added[0] == 2
    if one_stage and at_stride_two and anchors[1] > TOO_MANY * anchors[0] > 0:
        report.left(
            f'model.bbox_head: has {anchors[1] / anchors[0]:.0f} times as many anchors or points as '
            'before; --levels p3_prime (levels="p3_prime"), whose finest stride is 4, has '
            f'{_cells(levels.extended[1:]) / _cells(levels.plain):.0f} times as many'
        )


def _cells(strides: tuple[int, ...]) -> float:
    """Cells of a pyramid for each pixel of the image."""
    return sum(stride**-2 for stride in strides)


def _image_size(cfg: Config, preprocessor: dict) -> tuple[int, int]:
    """Height and width of padded test pictures, as the last resizing with one scale has them."""
    scale = next(_scales(cfg.get('test_dataloader')), None)
    if scale is None:
        return DEFAULT_SIZE
    divisor = max(preprocessor.get('pad_size_divisor', 1), 32)
    width, height = (divisor * -(-side // divisor) for side in (max(scale), min(scale)))
    return height, width


def _scales(part) -> Iterator[tuple[int, int]]:
    if isinstance(part, dict):
        scale: Any = part.get('scale') or part.get('img_scale')
        is_pair = isinstance(scale, (list, tuple)) and len(scale) == 2
        if 'Resize' in str(part.get('type')) and is_pair and all(isinstance(s, int) for s in scale):
            yield tuple(scale)
        part = list(part.values())
    if isinstance(part, (list, tuple)):
        for value in part:
            yield from _scales(value)


def _roi_macs(model: dict) -> int:
    """Multiply-adds of the box heads on all proposals of a picture; 0 where they are not counted."""
    roi_head = model.get('roi_head') or {}
    heads, proposals = roi_head.get('bbox_head'), (model.get('test_cfg') or {}).get('rpn') or {}
    count = proposals.get('max_per_img')
    if not heads or not count:
        return 0
    total = 0
    for head in heads if isinstance(heads, (list, tuple)) else [heads]:
        channels, side = argument(head, 'in_channels'), argument(head, 'roi_feat_size') or ROI_SIDE
        try:
            with torch.device('meta'):
                built = MODELS.build(copy.deepcopy(head)).requires_grad_(False)
            total += cost.count_macs(built, torch.zeros(1, channels, side, side, device='meta'))
        except Exception:
            # A head that takes more than what is pooled, or an operator that is not counted.
            return 0
    return count * total


def _anchors(model: nn.Module, height: int, width: int) -> int:
    """Anchors or points of the dense heads on a picture."""
    total = 0
    for name, head in model.named_children():
        generator: Any = getattr(head, 'prior_generator', None)
        if name not in ('rpn_head', 'bbox_head') or not hasattr(generator, 'num_base_priors'):
            continue
        for (stride_x, stride_y), number in zip(
            generator.strides, generator.num_base_priors, strict=True
        ):
            total += int(number) * -(-height // int(stride_y)) * -(-width // int(stride_x))
    return total


def _kept(model: nn.Module, height: int, width: int, channels: int) -> int:
    device = next(model.parameters()).device
    if device.type != 'meta':
        return 0  # would take that memory, to count it
    try:
        images = torch.zeros(1, channels, height, width, device=device)
        return cost.kept_bytes(cost.DenseSteps(model, trainable=True), images)
    except Exception:
        # A step that needs values, or an operator without a form for the meta device.
        return 0
