"""Convs in a row as one, and a conv over two maps without their concatenation: the same values."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .precision import own_precision


def pointwise_kernel(rows: Tensor) -> Tensor:
    """The kernel of a 1x1 conv, (n, C, 1, 1), laid out channels last so that the conv's result is."""
    return rows[:, None, None].permute(0, 3, 1, 2)


def pointwise_after(weight: Tensor, conv: nn.Conv2d) -> tuple[Tensor, Tensor | None]:
    """Weight and bias of a conv with a 1x1 conv after it, as one conv.

    Args:
        weight (Tensor): (n, out, 1, 1), of the 1x1 conv, which has no bias.
        conv (nn.Conv2d): Without groups, (out, in, k, k).

    Returns:
        tuple[Tensor, Tensor | None]: (n, in, k, k) and (n,).
    """
    after = weight.flatten(1)
    with own_precision(weight):
        kernel = torch.einsum('no,oikl->nikl', after, conv.weight)
        bias = None if conv.bias is None else after @ conv.bias
    return kernel, bias


def conv_of_two(conv: nn.Conv2d, first: Tensor, second: Tensor) -> Tensor:
    """``conv(torch.cat((first, second), dim=1))`` as a sum of two convs, without the copy.

    Args:
        conv (nn.Conv2d): Without groups, of as many inputs as both maps have channels.
        first (Tensor): (B, C, H, W).
        second (Tensor): (B, D, H, W).
    """
    width = first.shape[1]
    settings = dict(stride=conv.stride, padding=conv.padding, dilation=conv.dilation)
    return F.conv2d(first, conv.weight[:, :width], conv.bias, **settings) + F.conv2d(
        second, conv.weight[:, width:], **settings
    )


def pointwise_onto(onto: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    """A map plus a 1x1 conv of another one, in one pass over channels-last maps.

    Args:
        onto (Tensor): (B, n, H, W).
        x (Tensor): (B, C, H, W).
        weight (Tensor): (n, C), of the conv.

    Returns:
        Tensor: (B, n, H, W), ``onto + F.conv2d(x, weight[..., None, None])``, channels last.
    """
    size = x.shape[0], *x.shape[2:]
    rows, start = (value.permute(0, 2, 3, 1).flatten(0, 2) for value in (x, onto))
    return torch.addmm(start, rows, weight.t()).unflatten(0, size).permute(0, 3, 1, 2)
