"""RoI heads: pooling by torchvision's ``roi_align``, and one or two box heads."""

import torch
from torch import Tensor, nn
from torchvision.ops import roi_align

from .boxes import Candidates, above, decoded, suppressed


def refined(
    head: nn.Module, maps: tuple[Tensor, ...], proposed: Candidates, size: tuple[int, int]
) -> Candidates:
    """What an RoI head makes of proposals; groups are classes.

    Args:
        head: ``StandardRoIHead`` or ``ExtendedRoIHead``.
        maps: The pyramid, (B, C, H_i, W_i).
        proposed: Of the RPN.
        size: Height and width of the picture in pixels, without padding.
    """
    cfg, box_head = head.test_cfg, head.bbox_head
    rois = torch.cat((proposed.pictures[:, None].to(proposed.boxes.dtype), proposed.boxes), dim=1)
    levels = head.bbox_roi_extractor.map_roi_levels(rois, head.bbox_roi_extractor.num_inputs)
    pooled = _pooled(head.bbox_roi_extractor, maps, rois, levels)
    scores, deltas = _classified(head, pooled, levels == 0)
    scores = scores.softmax(-1)[:, :-1]  # n, classes
    classes = scores.shape[1]
    boxes = deltas.reshape(deltas.shape[0], -1, 4)  # n, classes or 1, 4
    boxes = decoded(box_head.bbox_coder, proposed.boxes[:, None], boxes, size)
    boxes = boxes.expand(-1, classes, -1)
    every = torch.arange(classes, device=boxes.device).expand_as(scores)
    found = Candidates(
        boxes.reshape(-1, 4),
        scores.reshape(-1),
        every.reshape(-1),
        proposed.pictures[:, None].expand_as(scores).reshape(-1),
    )
    found = above(found, cfg.score_thr)
    return suppressed(found, cfg.nms.iou_threshold, cfg.max_per_img, classes, maps[0].shape[0])


def _pooled(extractor: nn.Module, maps: tuple[Tensor, ...], rois: Tensor, levels: Tensor) -> Tensor:
    """(n, C, h, w), each RoI (n, 5) from the map of its level."""
    size = extractor.roi_layers[0].output_size
    pooled = rois.new_zeros(rois.shape[0], extractor.out_channels, *size)
    for level, layer in enumerate(extractor.roi_layers):
        own = (levels == level).nonzero().squeeze(1)
        part = roi_align(
            maps[level],
            rois.index_select(0, own),
            layer.output_size,
            layer.spatial_scale,
            layer.sampling_ratio,
            layer.aligned,
        )
        pooled = pooled.index_put((own,), part)
    return pooled


def _classified(head: nn.Module, pooled: Tensor, small: Tensor) -> tuple[Tensor, Tensor]:
    """Class scores and deltas, of the second head where there is one and ``small`` (n,) is true."""
    if head.with_shared_head:
        pooled = head.shared_head(pooled)
    second = getattr(head, 'extended_bbox_head', None)
    if second is None:
        return head.bbox_head(pooled)
    heads = ((head.bbox_head, ~small), (second, small))
    joined: list[Tensor] = []
    for number, (box_head, chosen) in enumerate(heads):
        own = chosen.nonzero().squeeze(1)
        outputs = box_head(pooled.index_select(0, own))
        if number == 0:
            joined = [pooled.new_zeros(pooled.shape[0], part.shape[1]) for part in outputs]
        joined = [whole.index_put((own,), part) for whole, part in zip(joined, outputs, strict=True)]
    return joined[0], joined[1]
