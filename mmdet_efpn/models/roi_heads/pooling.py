"""Pooling of RoIs from a pyramid with P2', which may be a map, deferred, or made on RoIs."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..necks.on_demand import DeferredLevel, NarrowLevel, RoILevel
from ..utils.readable import readable


def on_p2_prime(rois: Tensor, x: Sequence[Tensor], extractor: nn.Module) -> Tensor:
    """Whether an extractor pools each RoI (n, 5) of a pyramid from P2': (n,), bool."""
    levels = extractor.map_roi_levels(in_precision_of(x[1], rois), extractor.num_inputs)
    return levels == 0


def pool(x: Sequence[Tensor], rois: Tensor, extractor: nn.Module) -> Tensor:
    """What an extractor pools of each RoI, whatever stands in the place of P2'.

    Args:
        x (Sequence[Tensor]): The pyramid, P2' first: (B, C, H_i, W_i).
        rois (Tensor): (n, 5), index of the image and x1, y1, x2, y2 in pixels.
        extractor (nn.Module): A ``SingleRoIExtractor``.

    Returns:
        Tensor: (n, C, h, w), in the order of ``rois``.
    """
    finest, *plain = x[: extractor.num_inputs]
    plain = [readable(level) for level in plain]
    if isinstance(finest, Tensor):
        return extractor((readable(finest), *plain), rois)
    extended_rois = on_p2_prime(rois, x, extractor)
    if isinstance(finest, DeferredLevel):
        finest = finest.around(in_precision_of(x[1], rois[extended_rois]))
        return extractor((readable(finest), *plain), rois)
    assert isinstance(finest, (RoILevel, NarrowLevel)), type(finest)
    others, extended, back_in_order = parts_of(extended_rois)
    pooled = finest.pooled(rois[extended], extractor.roi_layers[0])
    if not plain:
        return pooled
    # none of the others is of the first level
    nothing = plain[0].new_zeros(len(plain[0]), extractor.out_channels, 1, 1)
    return torch.cat((extractor((nothing, *plain), rois[others]), pooled))[back_in_order]


def in_precision_of(feature: Tensor, rois: Tensor) -> Tensor:
    """RoIs as an extractor sees them: in the precision of the maps that it gets."""
    return rois.to(torch.float32 if feature.dtype is torch.bfloat16 else feature.dtype)


def parts_of(chosen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Indices of what is not chosen and of what is, and those that bring the two back in order."""
    others, chosen = (~chosen).nonzero().squeeze(1), chosen.nonzero().squeeze(1)
    return others, chosen, torch.cat((others, chosen)).argsort()
