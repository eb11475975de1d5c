"""Which detectors can be exported; of others, why not, before an exporter says it in its own words."""

import torch
from mmdet.models import BaseDetector
from mmdet.models.dense_heads import RPNHead
from mmdet.models.dense_heads.base_dense_head import BaseDenseHead
from mmdet.models.detectors import SingleStageDetector, TwoStageDetector
from mmdet.models.roi_heads import StandardRoIHead
from mmdet.models.task_modules import (
    AnchorGenerator,
    DeltaXYWHBBoxCoder,
    DistancePointBBoxCoder,
    MlvlPointGenerator,
)
from torch import nn

from ..models import HATFTT, SwinFTT
from ..models.dense_heads import ExtendedRPNHead
from ..models.roi_heads import ExtendedRoIHead
from ..utils.errors import UserError

_PREDICTS_BY = ('predict_by_feat', '_predict_by_feat_single', '_bbox_post_process')
_KINDS = 'Faster R-CNN and its kin (RPN, one RoI head), RetinaNet, FCOS, ATSS and their kin'


def require_exportable(detector: nn.Module) -> None:
    """Checks that a detector is of a kind that is exported.

    Raises:
        UserError: It is not; the message says which part, and what is possible.
    """
    reason = _why_not(detector)
    if reason is not None:
        raise UserError(f'{type(detector).__name__} cannot be exported: {reason}')


def _why_not(detector: nn.Module) -> str | None:
    operator = _foreign_operator(detector)
    if operator is not None:
        return operator
    if not isinstance(detector, BaseDetector):
        return f'it is no detector of MMDetection. Exported are {_KINDS}'
    extension = getattr(getattr(detector, 'neck', None), 'extension', None)
    if extension is not None and extension.on_rois:
        return (
            "neck.extension_cfg.on_rois makes P2' of what is pooled of two maps, which is another "
            'function than that of a map; train with widen_on_rois instead'
        )
    for name, module in detector.named_modules():
        if isinstance(module, (SwinFTT, HATFTT)):
            return (
                f"{name} is a {type(module).__name__}, which cuts maps into windows as each map's size "
                'asks for; exporters would keep the windows of one size. Train with LightFTT, FTT or '
                'PointwiseFTT'
            )
    if isinstance(detector, TwoStageDetector):
        return _why_not_two_stage(detector)
    if isinstance(detector, SingleStageDetector) and isinstance(detector.bbox_head, BaseDenseHead):
        return _why_not_dense('bbox_head', detector.bbox_head)
    return f'boxes of this kind of detector are not. Exported are {_KINDS}'


def _foreign_operator(detector: nn.Module) -> str | None:
    """Compiled operators of mmcv, of which neither ONNX nor torch knows anything."""
    for name, module in detector.named_modules():
        kind = type(module)
        if kind.__module__.startswith('mmcv.ops') and kind.__name__ != 'RoIAlign':
            return (
                f'{name} is a {kind.__name__}, an operator of mmcv that other runtimes do not have; '
                'train with plain convolutions and upsampling in its place'
            )
        if kind.__name__ == 'RoIAlign' and getattr(module, 'pool_mode', 'avg') != 'avg':
            return f'{name} pools by maxima; only RoIAlign by averages is exported'
    return None


def _why_not_two_stage(detector: TwoStageDetector) -> str | None:
    rpn, head = detector.rpn_head, detector.roi_head
    if type(rpn) not in (RPNHead, ExtendedRPNHead):
        return f'rpn_head is a {type(rpn).__name__}; exported are RPNHead and ExtendedRPNHead'
    if type(head) not in (StandardRoIHead, ExtendedRoIHead):
        return f'roi_head is a {type(head).__name__}; exported are StandardRoIHead and ExtendedRoIHead'
    if head.with_mask:
        return 'masks are not exported; train the detector without roi_head.mask_head'
    if getattr(head, 'pool_small_rois_from', 'p2_prime') != 'p2_prime':
        return "roi_head.pool_small_rois_from must be 'p2_prime'"
    if not hasattr(head.bbox_roi_extractor, 'map_roi_levels'):
        return f'{type(head.bbox_roi_extractor).__name__} pools from several levels at once'
    box_heads = dict(bbox_head=head.bbox_head)
    if getattr(head, 'extended_bbox_head', None) is not None:
        box_heads['extended_bbox_head'] = head.extended_bbox_head
    for name, box_head in box_heads.items():
        if box_head.custom_activation or not (box_head.with_cls and box_head.with_reg):
            return f'roi_head.{name} does not give a softmax over classes and a box for each'
        reason = _why_not_coder(f'roi_head.{name}', box_head.bbox_coder)
        if reason:
            return reason
    return _why_not_priors('rpn_head', rpn) or _why_not_nms('test_cfg.rcnn', head.test_cfg)


def _why_not_dense(name: str, head: BaseDenseHead) -> str | None:
    for function in _PREDICTS_BY:
        if getattr(type(head), function) is not getattr(BaseDenseHead, function):
            return f'{name} is a {type(head).__name__}, which predicts in a way of its own'
    return _why_not_priors(name, head)


def _why_not_priors(name: str, head: BaseDenseHead) -> str | None:
    generator = head.prior_generator
    known = (AnchorGenerator, MlvlPointGenerator)
    if not isinstance(generator, known) or type(generator).grid_priors not in [
        kind.grid_priors for kind in known
    ]:
        return f'{name} has priors of {type(generator).__name__}, which depend on sizes of its own'
    return _why_not_coder(name, head.bbox_coder) or _why_not_nms(f'{name}.test_cfg', head.test_cfg)


def _why_not_coder(name: str, coder) -> str | None:
    if type(coder) not in (DeltaXYWHBBoxCoder, DistancePointBBoxCoder):
        return (
            f'{name}.bbox_coder is a {type(coder).__name__}; exported are DeltaXYWHBBoxCoder and '
            'DistancePointBBoxCoder'
        )
    return None


def _why_not_nms(name: str, cfg) -> str | None:
    nms = cfg.get('nms', {})
    if nms.get('type', 'nms') not in ('nms', torch.ops.torchvision.nms):
        return f'{name}.nms.type is {nms["type"]}; only plain NMS is exported'
    other = set(nms) - {'type', 'iou_threshold', 'split_thr'}
    if other:
        return f'{name}.nms has {", ".join(sorted(other))}, which export does not know'
    return None
