"""Optimal LRP error: place, precision and recall in one (Oksuz et al., ECCV 2018, and TPAMI 2021)."""

import numpy as np

from ...utils.errors import UserError
from ..coco_engine import BoxEvaluation

IOU = 0.5  # below it a detection is no match


def optimal_lrp(evaluation: BoxEvaluation) -> dict[str, float]:
    """The error and its parts, means over classes, at the preset's detections a picture; 0 is best.

    LRP of the detections from a score on is the sum of ``(1 - IoU) / (1 - 0.5)`` over the matched ones,
    of the false ones and of the missed objects, over the number of all three. oLRP is its minimum over
    the scores; its parts are taken there: the mean ``1 - IoU`` of the matches, the share of false
    detections and of missed objects. A class without a match has oLRP 1 and no part but the last.

    Args:
        evaluation (BoxEvaluation): After :meth:`~BoxEvaluation.run`.

    Returns:
        dict: ``oLRP``, ``oLRP_loc``, ``oLRP_FP``, ``oLRP_FN``; -1 where no box counts.

    Raises:
        UserError: IoU 0.5 is not among the evaluation's.
    """
    places = np.flatnonzero(np.isclose(evaluation.params.iouThrs, IOU))
    if not len(places):
        raise UserError(f'olrp=True needs {IOU} among iou_thrs={list(evaluation.preset.iou_thrs)}')
    rows = [_of_class(evaluation, cat_id, int(places[0])) for cat_id in evaluation.params.catIds]
    table = np.array([row for row in rows if row is not None]).reshape(-1, 4)
    known = ~np.isnan(table)
    return {
        name: float(table[known[:, column], column].mean()) if known[:, column].any() else -1.0
        for column, name in enumerate(('oLRP', 'oLRP_loc', 'oLRP_FP', 'oLRP_FN'))
    }


def _of_class(evaluation: BoxEvaluation, cat_id: int, threshold: int) -> tuple[float, ...] | None:
    """The four numbers of a category; ``None`` if none of its boxes counts."""
    most = evaluation.preset.ap_max_det
    images = evaluation.of_class(cat_id)
    objects = sum(int((np.asarray(matches['gtIgnore']) == 0).sum()) for matches in images)
    if not objects:
        return None
    scores = np.concatenate([matches['dtScores'][:most] for matches in images])
    matched = np.concatenate([matches['dtMatches'][threshold, :most] for matches in images]) > 0
    counts = np.concatenate([matches['dtIgnore'][threshold, :most] for matches in images]) == 0
    ious = np.concatenate([evaluation.matched_ious(matches, threshold)[:most] for matches in images])
    order = np.argsort(-scores, kind='mergesort')
    right, wrong = (matched & counts)[order], (~matched & counts)[order]
    if not right.any():
        return 1.0, np.nan, np.nan, 1.0
    found, false = np.cumsum(right), np.cumsum(wrong)
    missed = objects - found
    distance = np.cumsum(np.where(right, 1 - ious[order], 0))
    lrp = (distance / (1 - IOU) + false + missed) / (found + false + missed)
    best = int(np.argmin(lrp))
    if not found[best]:
        return float(lrp[best]), np.nan, false[best] / max(false[best], 1), missed[best] / objects
    return (
        float(lrp[best]),
        distance[best] / found[best],
        false[best] / (found[best] + false[best]),
        missed[best] / objects,
    )
