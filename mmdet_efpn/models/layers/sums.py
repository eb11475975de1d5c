"""Sums of a fine and a coarse map that never make the coarse one in the fine one's size."""

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function


def add_upsampled(fine: Tensor, coarse: Tensor) -> Tensor:
    """A map plus another one, upsampled to its size by nearest neighbours.

    Where each cell of the coarse map lies under two by two of the fine one, it is broadcast over them:
    the upsampled map is never written. At other sizes, it is.

    Args:
        fine (Tensor): (B, C, H, W).
        coarse (Tensor): (B, C, h, w).

    Returns:
        Tensor: (B, C, H, W), ``fine + F.interpolate(coarse, size=(H, W), mode='nearest')``.

    Example:
        >>> import torch
        >>> add_upsampled(torch.zeros(1, 1, 2, 4), torch.tensor([[[[1.0, 2.0]]]]))[0, 0].tolist()
        [[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]
    """
    if not _is_double(fine, coarse):
        return fine + F.interpolate(coarse, size=fine.shape[2:], mode='nearest')
    # Of one loop that a compiler makes no view can be given out; a trace cannot hold a Function.
    if torch.compiler.is_compiling() or torch.jit.is_tracing():
        return fine + _merged(coarse[:, :, :, None, :, None].expand_as(_cells(fine)))
    return _Doubled.apply(fine, coarse)


class _Doubled(Function):
    """:func:`add_upsampled` where each coarse cell lies under two by two fine ones.

    Autograd's own backward would sum over two axes of a view, which is several times slower than a
    pooling, and in bfloat16 makes a float32 copy on the CPU.
    """

    @staticmethod
    def forward(ctx, fine: Tensor, coarse: Tensor) -> Tensor:
        return _merged(_cells(fine) + coarse[:, :, :, None, :, None])

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, Tensor]:
        return grad, F.avg_pool2d(grad, 2, divisor_override=1)


def add_shuffled(fine: Tensor, coarse: Tensor) -> Tensor:
    """A map plus the pixel shuffle by 2 of another one, cut to its size, which is not written.

    Args:
        fine (Tensor): (B, C, H, W).
        coarse (Tensor): (B, 4 C, ceil(H / 2), ceil(W / 2)).

    Returns:
        Tensor: (B, C, H, W), ``fine + F.pixel_shuffle(coarse, 2)[..., :H, :W]``.

    Source: pixel shuffle, arXiv:1609.05158, section 2.2.

    Example:
        >>> import torch
        >>> add_shuffled(torch.zeros(1, 1, 2, 2), torch.arange(4.0).view(1, 4, 1, 1))[0, 0].tolist()
        [[0.0, 1.0], [2.0, 3.0]]
    """
    if not _is_double(fine, coarse):
        height, width = fine.shape[2:]
        return fine + F.pixel_shuffle(coarse, 2)[..., :height, :width]
    if torch.compiler.is_compiling():
        return fine + F.pixel_shuffle(coarse, 2)
    parts = coarse.unflatten(1, (-1, 2, 2))  # B, C, row and column in a cell, h, w
    return _merged(_cells(fine) + parts.permute(0, 1, 4, 2, 5, 3))


def repeated_for_shuffle(coarse: Tensor) -> Tensor:
    """A view of a map whose pixel shuffle by 2 is the map upsampled by nearest neighbours.

    Args:
        coarse (Tensor): (B, C, h, w).

    Returns:
        Tensor: (B, C, 4, h, w), to be added to a map of 4 C channels that is unflattened so.
    """
    return coarse[:, :, None].expand(-1, -1, 4, -1, -1)


def _is_double(fine: Tensor, coarse: Tensor) -> bool:
    return tuple(fine.shape[2:]) == (2 * coarse.shape[2], 2 * coarse.shape[3])


def _cells(fine: Tensor) -> Tensor:
    """A view of a map by cells of the coarser one: (B, C, h, 2, w, 2)."""
    return fine.unflatten(3, (-1, 2)).unflatten(2, (-1, 2))


def _merged(cells: Tensor) -> Tensor:
    """The map of :func:`_cells`."""
    return cells.flatten(4, 5).flatten(2, 3)
