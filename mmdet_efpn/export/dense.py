"""Dense heads: RPN and one-stage heads that predict as MMDetection's base class does."""

import torch
from torch import Tensor, nn

from .boxes import NO_SCORE, Candidates, above, at, best, decoded, flat, suppressed


def proposals(head: nn.Module, maps: tuple[Tensor, ...], size: tuple[int, int]) -> Candidates:
    """What an RPN proposes.

    Args:
        head: ``RPNHead`` or ``ExtendedRPNHead``.
        maps: The pyramid, (B, C, H_i, W_i).
        size: Height and width of the picture in pixels, without padding.
    """
    cfg = head.test_cfg
    scores, deltas = head(maps)
    parts = []
    for level, (level_scores, level_deltas) in enumerate(zip(scores, deltas, strict=True)):
        points = _classified(head, level_scores)[..., 0]  # B, n
        values, index = best(points, cfg.nms_pre)
        priors = _priors(head, level_scores, level)
        moves = at(_rows(level_deltas, 4), index)
        boxes = decoded(head.bbox_coder, priors[index], moves, size)
        parts.append(flat(boxes, values, torch.full_like(index, level)))
    found = above(_joined(parts), NO_SCORE, cfg.get('min_bbox_size', -1))
    return suppressed(found, cfg.nms.iou_threshold, cfg.max_per_img, len(parts), maps[0].shape[0])


def detections(head: nn.Module, maps: tuple[Tensor, ...], size: tuple[int, int]) -> Candidates:
    """What a one-stage head finds; groups are classes.

    Args:
        head: One that predicts by the functions of ``BaseDenseHead``.
        maps: The pyramid, (B, C, H_i, W_i).
        size: Height and width of the picture in pixels, without padding.
    """
    cfg = head.test_cfg
    outputs = head(maps)
    parts = []
    for level, (level_scores, level_deltas, *factors) in enumerate(zip(*outputs, strict=True)):
        points = _classified(head, level_scores)  # B, n, classes
        classes = points.shape[2]
        points = torch.where(points > cfg.score_thr, points, NO_SCORE)
        values, index = best(points.flatten(1), cfg.nms_pre)
        place, labels = index // classes, index % classes
        moves = at(_rows(level_deltas, 4), place)
        boxes = decoded(head.bbox_coder, _priors(head, level_scores, level)[place], moves, size)
        if factors:
            weights = at(_rows(factors[0], 1), place).squeeze(2).sigmoid()
            values = torch.where(values > NO_SCORE, values * weights, NO_SCORE)
        parts.append(flat(boxes, values, labels))
    found = above(_joined(parts), NO_SCORE, cfg.get('min_bbox_size', -1))
    return suppressed(found, cfg.nms.iou_threshold, cfg.max_per_img, classes, maps[0].shape[0])


def _joined(parts: list[Candidates]) -> Candidates:
    return Candidates(*(torch.cat(columns) for columns in zip(*parts, strict=True)))


def _rows(level: Tensor, width: int) -> Tensor:
    """(B, A * width, H, W) as (B, H * W * A, width)."""
    return level.permute(0, 2, 3, 1).reshape(level.shape[0], -1, width)


def _classified(head: nn.Module, level_scores: Tensor) -> Tensor:
    """Scores (B, n, classes) of a level."""
    rows = _rows(level_scores, head.cls_out_channels)
    return rows.sigmoid() if head.use_sigmoid_cls else rows.softmax(-1)[..., :-1]


def _priors(head: nn.Module, level_scores: Tensor, level: int) -> Tensor:
    """Anchors (n, 4) or points (n, 2) of a level."""
    return head.prior_generator.single_level_grid_priors(
        level_scores.shape[-2:], level, dtype=level_scores.dtype, device=level_scores.device
    )
