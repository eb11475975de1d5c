"""A residual hybrid attention group computed the plain way, to compare an :class:`RHAG` with."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmdet_efpn.models.layers import HAB, OCAB, RHAG, WindowAttention
from mmdet_efpn.models.layers.attention import plain_attention


class PlainRHAG(nn.Module):
    """The formulas of a group as they are written, on the group's own weights.

    The map is rolled for shifted windows, and a mask of the regions is built at every call. The bias
    table is gathered by an index, overlapping windows are copied by ``unfold``, and the weights of all
    windows exist at once, before and after the softmax. Linear layers, norms and convs are those of
    the group, called in the same memory layout.

    Args:
        group (RHAG): Whose weights and settings are used; without ``drop_path``, ``downsample`` and
            ``with_cp``.

    Source: HAT, arXiv:2205.04437, section 3.2; Swin Transformer, arXiv:2103.14030, section 3.2.
    """

    def __init__(self, group: RHAG) -> None:
        super().__init__()
        self.group = group
        for layer in group.modules():
            if isinstance(layer, WindowAttention | OCAB):
                layer.register_buffer('index', table_index(layer), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same; H and W are multiples of the window."""
        tokens = x.permute(0, 2, 3, 1).contiguous()
        for block in self.group.residual_group.blocks:
            tokens = plain_hab(block, tokens)
        tokens = plain_ocab(self.group.residual_group.overlap_attn, tokens)
        return x + self.group.conv(tokens.permute(0, 3, 1, 2))


def table_index(layer: WindowAttention | OCAB) -> Tensor:
    """Which entry of its bias table a layer adds for each (query, key), as the published model does."""
    queries, keys = cells(layer.query_window), cells(layer.key_window)
    span = layer.query_window + layer.key_window - 1
    if isinstance(layer, WindowAttention):
        offsets = queries[:, None] - keys + layer.query_window - 1
    else:
        offsets = keys - queries[:, None] + layer.query_window - layer.key_window + 1
    return offsets[..., 0] * span + offsets[..., 1]


def cells(side: int) -> Tensor:
    """Row and column of each cell of a window: (side^2, 2)."""
    return torch.cartesian_prod(torch.arange(side), torch.arange(side))


def bias_of(layer: WindowAttention | OCAB) -> Tensor:
    """(heads, queries, keys), gathered."""
    return layer.relative_position_bias_table[layer.index].permute(2, 0, 1)


def plain_hab(block: HAB, x: Tensor) -> Tensor:
    """``x + (S)W-MSA(norm1(x)) + conv_scale * CAB(norm1(x))``, then the MLP."""
    y = block.norm1(x)
    convolved = block.conv_block(y.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    x = x + plain_window_attention(block.attn, y, block.shift_size) + convolved * block.conv_scale
    return x + block.mlp(block.norm2(x))


def plain_window_attention(layer: WindowAttention, x: Tensor, shift: int) -> Tensor:
    """(S)W-MSA of a map (B, H, W, C) of whole windows."""
    size, window = x.shape, layer.window_size
    x = x.roll((-shift, -shift), (1, 2))
    q, k, v = heads_of(layer.qkv(windows_of(x, window)), 3, layer.num_heads)
    bias = bias_of(layer)
    if shift:
        mask = shift_mask(*size[1:3], window, shift).to(x.device)  # windows, tokens, tokens
        bias = bias + mask.unsqueeze(1).repeat(size[0], 1, 1, 1)
    out = layer.proj(plain_attention(q, k, v, bias).transpose(1, 2).flatten(2))
    return map_of(out, size, window).roll((shift, shift), (1, 2))


def shift_mask(height: int, width: int, window: int, shift: int) -> Tensor:
    """0 where two tokens of a window of the rolled map share a region, -100 elsewhere."""
    region = torch.zeros(1, height, width, 1)
    borders = (slice(0, -window), slice(-window, -shift), slice(-shift, None))
    for number, (rows, columns) in enumerate((r, c) for r in borders for c in borders):
        region[:, rows, columns] = number
    region = windows_of(region, window).squeeze(-1)
    return (region.unsqueeze(1) != region.unsqueeze(2)) * -100.0


def plain_ocab(block: OCAB, x: Tensor) -> Tensor:
    """``x + proj(attention(norm1(x)))``, then the MLP."""
    size, window = x.shape, block.window_size
    q, kv = block.qkv(block.norm1(x)).split((size[-1], 2 * size[-1]), dim=-1)
    (q,) = heads_of(windows_of(q, window), 1, block.num_heads)
    kv = F.unfold(kv.permute(0, 3, 1, 2), block.key_window, padding=block.halo, stride=window)
    kv = kv.unflatten(1, (2 * size[-1], -1)).permute(0, 3, 2, 1).flatten(0, 1)  # windows, keys, 2C
    k, v = heads_of(kv, 2, block.num_heads)
    out = plain_attention(q, k, v, bias_of(block)).transpose(1, 2).flatten(2)
    x = x + block.proj(map_of(out, size, window))
    return x + block.mlp(block.norm2(x))


def windows_of(x: Tensor, window: int) -> Tensor:
    """(B, H, W, C) to (windows, tokens, C)."""
    x = x.unflatten(2, (-1, window)).unflatten(1, (-1, window))
    return x.transpose(2, 3).flatten(0, 2).flatten(1, 2)


def map_of(windows: Tensor, size: torch.Size, window: int) -> Tensor:
    """The inverse of :func:`windows_of`."""
    batch, height, width, channels = size
    windows = windows.view(batch, height // window, width // window, window, window, channels).transpose(
        2, 3
    )
    return windows.reshape(size)


def heads_of(tokens: Tensor, parts: int, heads: int) -> Tensor:
    """(windows, tokens, parts * C) to (parts, windows, heads, tokens, C / heads)."""
    return tokens.unflatten(-1, (parts, heads, -1)).permute(2, 0, 3, 1, 4)
