"""DiffusionDet: a one-stage head that pools RoIs of its boxes from the levels."""

from ..parts.pyramid import Levels
from ..parts.two_stage import extend_extractor
from ..report import Report


def is_a_pooling_head(head) -> bool:
    """Whether a box head, in the place of a one-stage head, pools RoIs."""
    return isinstance(head, dict) and isinstance(head.get('roi_extractor'), dict)


def extend_pooling_head(model: dict, levels: Levels, report: Report) -> None:
    """Lets such a head, in place, pool from the new levels too.

    Raises:
        CannotExtendError: Its extractor cannot take the new levels.

    Source: arXiv:2211.09788, section 3.2.
    """
    if not levels.added:
        return
    head, key = model['bbox_head'], 'model.bbox_head.roi_extractor'
    extractor = extend_extractor(key, head['roi_extractor'], levels, report)
    model['bbox_head'] = dict(head, roi_extractor=extractor)
