"""Attention within the windows of a map, a few windows at a time."""

import math
import operator
from collections.abc import Callable

import torch
from torch import Tensor

from . import attention
from .attention import attention_gradients, fused_attention, plain_attention
from .position_bias import is_compiling
from .windows import (
    Segment,
    add_windows,
    cut_map,
    cut_windows,
    join_parts,
    join_windows,
    segments,
    with_halo,
)


def attend_windows(
    qkv: Tensor,
    window: int,
    halo: int,
    shift: int,
    bias: Callable,
    fused: bool,
) -> Tensor:
    """Lets the tokens of each window of a map attend to those of the same or a larger window.

    Args:
        qkv (Tensor): (B, H, W, 3, heads, d), any H and W.
        window (int): Side of a window of queries, in cells.
        halo (int): How many cells a window of keys reaches beyond that on each side. Outside the map
            keys and values are zero.
        shift (int): Where the window grid starts, 0 to ``window - 1`` cells.
        bias (Callable): Gives the bias for sides of the queries, sides of the keys, and a type.
        fused (bool): ``False`` takes the plain formula, with the weights of all windows at once.

    Returns:
        Tensor: (B, H, W, heads * d).
    """
    if not qkv.numel():
        return qkv[:, :, :, 0].flatten(-2)
    sizes = _window_sizes(*_grid(qkv, window, shift))
    biases = [bias(size, tuple(side + 2 * halo for side in size), qkv.dtype) for size in sizes]
    with_gradient = torch.is_grad_enabled() and (qkv.requires_grad or biases[0].requires_grad)
    if not fused:
        return _attend(qkv, window, halo, shift, None, biases, plain_attention)
    if is_compiling() and not with_gradient:
        return _attend(qkv, window, halo, shift, None, biases, fused_attention)
    chunk = attention.GPU_CHUNK if qkv.is_cuda else attention.CPU_CHUNK
    most = max(1, chunk // max(one.numel() for one in biases))
    if with_gradient and not qkv.is_cuda:
        return _CPUWindowAttention.apply(qkv, window, halo, shift, most, *biases)
    return _attend(qkv, window, halo, shift, most, biases, fused_attention)


def _grid(
    qkv: Tensor,
    window: int,
    shift: int,
    most: int | None = None,
) -> tuple[list[Segment], list[Segment]]:
    """Rows and columns of the parts of a map, of at most about ``most`` windows each.

    How many parts there are depends on the size, so torch.compile must make code for each size. As
    indices, its symbolic sizes become numbers.
    """
    batch, height, width = map(operator.index, qkv.shape[:3])
    if most is None:
        most = batch * height * width  # more windows than cells there are not
    columns = segments(width, window, shift, max(1, most // batch))
    windows_in_a_row = batch * max(segment.count for segment in columns)
    return segments(height, window, shift, max(1, most // windows_in_a_row)), columns


def _window_sizes(rows: list[Segment], columns: list[Segment]) -> list[tuple[int, int]]:
    return list(dict.fromkeys((row.size, column.size) for row in rows for column in columns))


def _attend(
    qkv: Tensor,
    window: int,
    halo: int,
    shift: int,
    most: int | None,
    biases: list[Tensor],
    attend: Callable,
) -> Tensor:
    row_cut, column_cut = _grid(qkv, window, shift, most)
    biases = dict(zip(_window_sizes(row_cut, column_cut), biases, strict=True))
    q, kv = qkv.split((1, 2), dim=3)
    parts = cut_map(q, row_cut, column_cut)
    kv_parts = None if halo else cut_map(kv, row_cut, column_cut)
    # Where autograd records, parts are joined, so that the map's gradient is split but not filled.
    result = (
        None if torch.is_grad_enabled() else qkv.new_empty(*qkv.shape[:3], math.prod(qkv.shape[-2:]))
    )
    for i, rows in enumerate(row_cut):
        for j, columns in enumerate(column_cut):
            kv_part = with_halo(kv, rows, columns, halo) if halo else kv_parts[i][j]
            (queries,) = cut_windows(parts[i][j], rows, columns)
            keys, values = cut_windows(kv_part, rows, columns, halo)
            out = attend(queries, keys, values, biases[rows.size, columns.size])
            out = join_windows(out, rows, columns)
            if result is None:
                parts[i][j] = out
            else:
                with_halo(result, rows, columns, 0).copy_(out)
    return join_parts(parts) if result is None else result


class _CPUWindowAttention(torch.autograd.Function):
    """:func:`_attend` for a device whose fused kernel gives a bias no gradient.

    There torch falls back to the plain formula and keeps the weights of all windows. Here the forward
    pass is fused and keeps the two maps; the backward pass cuts the windows and makes their weights
    again, a few at a time.
    """

    @staticmethod
    def forward(ctx, qkv, window, halo, shift, most, *biases):
        # Detached: torch leaves the fused kernel by what the bias is, even where no gradient is kept.
        out = _attend(
            qkv, window, halo, shift, most, [bias.detach() for bias in biases], fused_attention
        )
        ctx.save_for_backward(qkv, out, *biases)
        ctx.settings = window, halo, shift, most
        return out

    @staticmethod
    def backward(ctx, grad_out):
        qkv, out, *biases = ctx.saved_tensors
        window, halo, shift, most = ctx.settings
        row_cut, column_cut = _grid(qkv, window, shift, most)
        sizes = _window_sizes(row_cut, column_cut)
        grad_qkv = torch.zeros_like(qkv, memory_format=torch.contiguous_format)
        grad_biases = [
            torch.zeros_like(bias, dtype=torch.promote_types(bias.dtype, torch.float32))
            for bias in biases
        ]
        q, kv = qkv.split((1, 2), dim=3)
        out, grad_out = (part.unflatten(-1, (1, *qkv.shape[-2:])) for part in (out, grad_out))
        for rows in row_cut:
            for columns in column_cut:
                queries, out_part, grad_part = (
                    cut_windows(with_halo(part, rows, columns, 0), rows, columns)[0]
                    for part in (q, out, grad_out)
                )
                keys, values = cut_windows(with_halo(kv, rows, columns, halo), rows, columns, halo)
                which = sizes.index((rows.size, columns.size))
                *grads, grad_bias = attention_gradients(
                    queries, keys, values, biases[which], out_part, grad_part
                )
                grad_biases[which] += grad_bias
                for part, (grad, reach) in enumerate(zip(grads, (0, halo, halo), strict=True)):
                    add_windows(grad_qkv[:, :, :, part], grad, rows, columns, reach)
        grad_biases = [grad.to(bias.dtype) for grad, bias in zip(grad_biases, biases, strict=True)]
        return grad_qkv, None, None, None, None, *grad_biases
