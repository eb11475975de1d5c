"""Track heads that pool from the detector's levels: QDTrack, MaskTrack R-CNN."""

from ..parts.pyramid import Levels
from ..parts.two_stage import extend_extractor
from ..report import Report


def extend_track_head(model: dict, levels: Levels, report: Report) -> None:
    """Lets a tracker's head, in place, pool from the levels that its detector now gives.

    Raises:
        CannotExtendError: Its extractor cannot take the new levels.
    """
    head = model.get('track_head')
    if not levels.added or not isinstance(head, dict) or not head.get('roi_extractor'):
        return
    key = 'model.track_head.roi_extractor'
    model['track_head'] = dict(
        head, roi_extractor=extend_extractor(key, head['roi_extractor'], levels, report)
    )
