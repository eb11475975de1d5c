"""The last 1x1 conv of P2' on RoIs, where nothing else reads P2'."""

from ..probe import argument, plain_type
from ..report import Report

DETECTORS = ('FasterRCNN', 'MaskRCNN')
EXTRACTORS = ('bbox_roi_extractor', 'mask_roi_extractor')


def widen_on_rois(model: dict, report: Report) -> None:
    """Sets ``widen_on_rois`` in an extended detector's neck, in place, where it gives the same result.

    It does where RoIAlign with means is all that reads P2', in ``ExtendedRoIHead``.
    """
    neck, rpn, roi_head = (model.get(key) or {} for key in ('neck', 'rpn_head', 'roi_head'))
    if (
        plain_type(model) in DETECTORS
        and isinstance(neck, dict)
        and (neck.get('extension_cfg') or {}).get('separable')
        and not (neck.get('norm_cfg') or neck.get('act_cfg'))
        and rpn
        and roi_head
        and plain_type(rpn) == 'ExtendedRPNHead'
        and not rpn.get('on_p2_prime')
        and plain_type(roi_head) == 'ExtendedRoIHead'
        and all(_takes_means(roi_head.get(name)) for name in EXTRACTORS)
    ):
        neck['extension_cfg'] = dict(neck['extension_cfg'], widen_on_rois=True)
        report.changed(
            "model.neck.extension_cfg.widen_on_rois: the last 1x1 conv of P2' runs on what RoIs pool: "
            'the result is the same; set it to False for a head of yours that reads the whole level'
        )


def keep_wide(detector: dict, report: Report) -> None:
    """Takes ``widen_on_rois`` back, in place, for a wrapper whose own head pools from P2'."""
    options = (detector.get('neck') or {}).get('extension_cfg') or {}
    if options.pop('widen_on_rois', None):
        report.changes = [line for line in report.changes if 'widen_on_rois' not in line]


def _takes_means(extractor: dict | None) -> bool:
    """Whether an extractor, if there is one, pools by RoIAlign with means."""
    if extractor is None:
        return True
    layer = argument(extractor, 'roi_layer') or {}
    return layer.get('type') == 'RoIAlign' and layer.get('pool_mode', 'avg') == 'avg'
