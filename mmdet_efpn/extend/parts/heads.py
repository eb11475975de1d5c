"""Whatever of a detector reads the levels, told of the new ones."""

from ..probe import plain_type
from ..queries import extend_fusion_head, level_reader, note_language_model
from ..report import CannotExtendError, Report
from ..wrappers import check_teacher
from .dense_head import extend_dense_head
from .mask_head import BRANCHES, MASKS_AT_STRIDE_FOUR, READ_PLAIN_LEVELS, extend_branches
from .pyramid import Levels
from .two_stage import extend_roi_head, extend_rpn_head
from .widening import widen_on_rois

HEADS = ('rpn_head', 'roi_head', 'bbox_head')


def extend_heads(
    model: dict,
    levels: Levels,
    extended_bbox_head: bool,
    rpn_on_p2_prime: bool | None,
    report: Report,
) -> None:
    """Extends, in place, whatever reads the levels.

    Raises:
        CannotExtendError: A part reads them in a way that is not known.
    """
    kind = plain_type(model)
    check_teacher(model, levels)
    note_language_model(model, report)
    if reader := level_reader(model):
        reader(model, levels, report)
        return
    branches = BRANCHES if kind in (*READ_PLAIN_LEVELS, *MASKS_AT_STRIDE_FOUR) else ()
    unknown = [
        key
        for key in model
        if key not in (*HEADS, *branches)
        and key != 'panoptic_fusion_head'
        and (key.endswith('_head') or key in ('encoder', 'decoder'))
    ]
    if unknown or not any(model.get(key) for key in (*HEADS, *branches)):
        raise CannotExtendError(
            f'model ({kind}) reads its levels in a way that is not known'
            + (f': model.{unknown[0]}' if unknown else ', it has none of ' + ', '.join(HEADS))
        )
    if model.get('bbox_head') is not None:
        head = extend_dense_head(model['bbox_head'], levels, report)
        model['bbox_head'] = extend_fusion_head(head, levels, report)
    if model.get('rpn_head') is not None:
        model['rpn_head'] = extend_rpn_head(model['rpn_head'], levels, rpn_on_p2_prime, report)
    if model.get('roi_head') is not None:
        model['roi_head'] = extend_roi_head(model['roi_head'], levels, extended_bbox_head, report)
    extend_branches(model, levels, report)
    widen_on_rois(model, report)
