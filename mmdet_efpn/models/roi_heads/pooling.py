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


def pool_twice(x: Sequence[Tensor], rois: Tensor, extractor: nn.Module) -> tuple[Tensor, Tensor, Tensor]:
    """What an extractor pools of small RoIs at P2', and of all RoIs at the other levels.

    Args:
        x (Sequence[Tensor]): The pyramid, P2' first: (B, C, H_i, W_i).
        rois (Tensor): (n, 5), index of the image and x1, y1, x2, y2 in pixels.
        extractor (nn.Module): A ``SingleRoIExtractor``.

    Returns:
        tuple: Which RoIs are of level P2' or P2, under 112 pixels (n,), bool; what these k get at P2',
        (k, C, h, w); and what all get where there is no P2', (n, C, h, w).
    """
    levels = extractor.map_roi_levels(in_precision_of(x[1], rois), extractor.num_inputs)
    small = levels <= 1
    at_p2_prime = _pool_at_p2_prime(x, rois[small], extractor)
    return small, at_p2_prime, _pool_above_p2_prime(x, rois, levels, extractor)


def _pool_at_p2_prime(x: Sequence[Tensor], rois: Tensor, extractor: nn.Module) -> Tensor:
    """What an extractor pools of RoIs (n, 5) if all of them are of level P2': (n, C, h, w)."""
    finest, layer = x[0], extractor.roi_layers[0]
    rois = in_precision_of(x[1], rois)
    if isinstance(finest, (RoILevel, NarrowLevel)):
        return finest.pooled(rois, layer)
    if isinstance(finest, DeferredLevel):
        finest = finest.around(rois)
    return layer(readable(finest), rois)


def _pool_above_p2_prime(
    x: Sequence[Tensor], rois: Tensor, levels: Tensor, extractor: nn.Module
) -> Tensor:
    """What an extractor pools of RoIs (n, 5) if those of level P2' are of level P2: (n, C, h, w)."""
    rois = in_precision_of(x[1], rois)
    pooled = rois.new_zeros(len(rois), extractor.out_channels, *extractor.roi_layers[0].output_size)
    for i in range(1, extractor.num_inputs):
        own = (levels.clamp(min=1) == i).nonzero().squeeze(1)
        if len(own):
            pooled[own] = extractor.roi_layers[i](readable(x[i]), rois[own]).to(pooled.dtype)
    return pooled


def in_precision_of(feature: Tensor, rois: Tensor) -> Tensor:
    """RoIs as an extractor sees them: in the precision of the maps that it gets."""
    return rois.to(torch.float32 if feature.dtype is torch.bfloat16 else feature.dtype)


def one_after_the_other(
    first: Tensor, second: Tensor, chosen: Tensor, numbers: Sequence[int]
) -> tuple[Tensor, ...]:
    """For each image its rows of ``first``, then those of ``second``.

    Args:
        first (Tensor): (k, ...), rows of the chosen RoIs, image by image.
        second (Tensor): (n, ...), rows of all RoIs, image by image.
        chosen (Tensor): (n,), bool; k of them are true.
        numbers (Sequence[int]): How many of the n rows each image has.
    """
    of_chosen = [int(part.sum()) for part in chosen.split(list(numbers))]
    pairs = zip(first.split(of_chosen), second.split(list(numbers)), strict=True)
    return tuple(torch.cat(pair) for pair in pairs)


def parts_of(chosen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Indices of what is not chosen and of what is, and those that bring the two back in order."""
    others, chosen = (~chosen).nonzero().squeeze(1), chosen.nonzero().squeeze(1)
    return others, chosen, torch.cat((others, chosen)).argsort()
