"""Attention with an additive bias: the plain formula, and faster ways to the same numbers."""
import torch
import torch.nn.functional as F
from torch import Tensor

# Largest part of the attention weights that exists at a time, in numbers. On the CPU it should stay
# near the caches; on a GPU it bounds the memory of the bias's gradient.
CPU_CHUNK = 2**21
GPU_CHUNK = 2**26


def plain_attention(q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
    """``softmax(q k^T / sqrt(d) + bias) v`` as it is written; shapes as in :func:`attend`."""
    logits = (q * q.shape[-1]**-0.5) @ k.transpose(-2, -1) + bias
    return logits.softmax(dim=-1) @ v


def attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor, fused: bool = True) -> Tensor:
    """Attention of N windows.

    Args:
        q (Tensor): (N, heads, queries, d).
        k (Tensor): (N, heads, keys, d).
        v (Tensor): (N, heads, keys, d).
        bias (Tensor): (heads, queries, keys), added to the logits of every window.
        fused (bool): ``False`` takes the plain formula, which keeps the weights of all windows at
            once. Default ``True``.

    Returns:
        Tensor: (N, heads, queries, d).

    Example:
        >>> import torch
        >>> q, k, v, bias = (torch.rand(3, 2, 4, 8) for _ in range(4))
        >>> torch.allclose(attend(q, k, v, bias[0, :, :, :4]),
        ...                plain_attention(q, k, v, bias[0, :, :, :4]), atol=1e-6)
        True
    """
    if not fused:
        return plain_attention(q, k, v, bias)
    if not (bias.requires_grad and torch.is_grad_enabled()):
        return _fused_attention(q, k, v, bias)
    step = _windows_at_a_time(bias, GPU_CHUNK if q.is_cuda else CPU_CHUNK)
    if not q.is_cuda:
        return _TrainedBiasAttention.apply(q, k, v, bias, step)
    # The fused kernels give the gradient of the bias window by window: a chunk bounds its memory.
    chunks = [_fused_attention(*part, bias) for part in zip(
        q.split(step), k.split(step), v.split(step), strict=True)]
    return chunks[0] if len(chunks) == 1 else torch.cat(chunks)


def _windows_at_a_time(bias: Tensor, numbers: int) -> int:
    return max(1, numbers // bias.numel())


def _fused_attention(q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
    depth = q.shape[-1]
    spare = -depth % 8 if q.is_cuda else 0  # the GPU kernels that take a bias want multiples of 8
    if spare:
        q, k, v = (F.pad(part, (0, spare)) for part in (q, k, v))
    out = F.scaled_dot_product_attention(
        q, k, v, attn_mask=bias.unsqueeze(0), scale=depth**-0.5)
    return out[..., :depth] if spare else out


class _TrainedBiasAttention(torch.autograd.Function):
    """Attention whose bias is trained, for devices where the fused kernel gives it no gradient.

    There torch falls back to the plain formula and keeps the weights of all windows. Here the forward
    pass is fused and keeps q, k, v and the result; the backward pass makes the weights again, a few
    windows at a time.
    """

    @staticmethod
    def forward(ctx, q, k, v, bias, step):
        # Detached: torch leaves the fused kernel by what the bias is, even where no gradient is kept.
        out = _fused_attention(q, k, v, bias.detach())
        ctx.save_for_backward(q, k, v, bias, out)
        ctx.step = step
        return out

    @staticmethod
    def backward(ctx, grad_out):
        q, k, v, bias, out = ctx.saved_tensors
        scale = q.shape[-1]**-0.5
        grad_q, grad_k, grad_v = torch.empty_like(q), torch.empty_like(k), torch.empty_like(v)
        # Sums over all windows: half precision would lose the small summands.
        grad_bias = torch.zeros_like(bias, dtype=torch.promote_types(bias.dtype, torch.float32))
        for start in range(0, q.shape[0], ctx.step):
            part = slice(start, start + ctx.step)
            grad = grad_out[part]
            logits = (q[part] * scale) @ k[part].transpose(-2, -1)
            weights = logits.add_(bias).softmax(dim=-1)  # n, heads, queries, keys
            grad_v[part] = weights.transpose(-2, -1) @ grad
            grad_logits = grad @ v[part].transpose(-2, -1)
            grad_logits.sub_((grad * out[part]).sum(dim=-1, keepdim=True)).mul_(weights)
            grad_bias += grad_logits.sum(dim=0, dtype=grad_bias.dtype)
            grad_q[part] = (grad_logits @ k[part]).mul_(scale)
            grad_k[part] = (grad_logits.transpose(-2, -1) @ q[part]).mul_(scale)
        return grad_q, grad_k, grad_v, grad_bias.to(bias.dtype), None
