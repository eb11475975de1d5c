"""Attention with an additive bias: the plain formula, the fused call, and the gradients."""

import torch
import torch.nn.functional as F
from torch import Tensor

# Largest part of the attention weights that exists at a time, in numbers. On the CPU it should stay
# near the caches; on a GPU it bounds the memory of the bias's gradient.
CPU_CHUNK = 2**20
GPU_CHUNK = 2**26


def plain_attention(q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
    """``softmax(q k^T / sqrt(d) + bias) v`` as it is written.

    Args:
        q (Tensor): (N, heads, queries, d).
        k (Tensor): (N, heads, keys, d).
        v (Tensor): (N, heads, keys, d).
        bias (Tensor): (heads, queries, keys), added to the logits of every window; or with a leading N.

    Returns:
        Tensor: (N, heads, queries, d).
    """
    logits = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1) + bias
    return logits.softmax(dim=-1) @ v


def fused_attention(q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
    """:func:`plain_attention` by torch's fused kernels, which never hold the weights as a whole.

    Example:
        >>> import torch
        >>> q, k, v = (torch.rand(3, 2, 4, 8) for _ in range(3))
        >>> bias = torch.rand(2, 4, 4)
        >>> torch.allclose(fused_attention(q, k, v, bias), plain_attention(q, k, v, bias), atol=1e-6)
        True
    """
    depth = q.shape[-1]
    spare = -depth % 8 if q.is_cuda else 0  # the GPU kernels that take a bias want multiples of 8
    if spare:
        q, k, v = (F.pad(part, (0, spare)) for part in (q, k, v))
    out = F.scaled_dot_product_attention(q, k, v, attn_mask=bias.unsqueeze(0), scale=depth**-0.5)
    return out[..., :depth] if spare else out


def attention_gradients(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    bias: Tensor,
    out: Tensor,
    grad_out: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Gradients of :func:`plain_attention` with respect to q, k, v and bias, made from its result.

    The weights are made again. The bias's gradient is a sum over windows, so it is at least float32:
    half precision would lose the small summands.
    """
    scale = q.shape[-1] ** -0.5
    q = q * scale
    weights = (q @ k.transpose(-2, -1)).add_(bias).softmax(dim=-1)  # N, heads, queries, keys
    grad_v = weights.transpose(-2, -1) @ grad_out
    grad_logits = grad_out @ v.transpose(-2, -1)
    grad_logits.sub_((grad_out * out).sum(dim=-1, keepdim=True)).mul_(weights)
    grad_bias = grad_logits.sum(dim=0, dtype=torch.promote_types(bias.dtype, torch.float32))
    return (grad_logits @ k).mul_(scale), grad_logits.transpose(-2, -1) @ q, grad_v, grad_bias
