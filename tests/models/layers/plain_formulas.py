"""The attention layers written out plainly: padded, rolled, masked, with loops over windows.

``w`` is a layer's state dict. Maps are (H, W, C), without a batch.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def part_of(w: dict, name: str) -> dict:
    return {key[len(name) + 1 :]: value for key, value in w.items() if key.startswith(name + '.')}


def linear(w: dict, name: str, x: Tensor) -> Tensor:
    return torch.einsum('oc,...c->...o', w[f'{name}.weight'], x) + w[f'{name}.bias']


def layer_norm(w: dict, name: str, x: Tensor) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    scaled = centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt()
    return scaled * w[f'{name}.weight'] + w[f'{name}.bias']


def gelu(x: Tensor) -> Tensor:
    return x * (1 + torch.erf(x / 2**0.5)) / 2


def mlp(w: dict, x: Tensor) -> Tensor:
    return linear(w, 'fc2', gelu(linear(w, 'fc1', x)))


def conv(w: dict, name: str, x: Tensor) -> Tensor:
    """A conv that keeps the size of a (H, W, C) map."""
    kernel = w[f'{name}.weight']
    x = F.conv2d(x.permute(2, 0, 1)[None], kernel, w[f'{name}.bias'], padding=kernel.shape[-1] // 2)
    return x[0].permute(1, 2, 0)


def regions(height: int, width: int, window: int, shift: int) -> Tensor:
    """Labels of the cells of a map that is whole windows large: equal where cells may attend.

    Goes through the rolled map cell by cell: two cells share a region if they lie in one window and
    were not brought together from opposite borders by the roll.
    """
    numbers, labels = {}, torch.zeros(height, width, dtype=torch.long)
    for y in range(height):
        for x in range(width):
            rolled_y, rolled_x = (y - shift) % height, (x - shift) % width
            region = (rolled_y // window, rolled_x // window, y < shift, x < shift)
            labels[y, x] = numbers.setdefault(region, len(numbers))
    return labels


def attention_weights(q: Tensor, k: Tensor, bias: Tensor) -> Tensor:
    exponentials = (q @ k.T / q.shape[-1] ** 0.5 + bias).exp()
    return exponentials / exponentials.sum(-1, keepdim=True)


def window_attention(w: dict, x: Tensor, window: int, heads: int, shift: int) -> Tensor:
    """(S)W-MSA on a map padded to whole windows; the padding takes part in nothing."""
    height, width, _ = x.shape
    padded = F.pad(x, (0, 0, 0, -width % window, 0, -height % window), value=torch.nan)
    real = torch.zeros(padded.shape[:2], dtype=torch.bool)
    real[:height, :width] = True
    labels = regions(*padded.shape[:2], window, shift)
    q, k, v = linear(w, 'qkv', padded).unflatten(-1, (3, heads, -1)).unbind(2)
    out = torch.zeros_like(padded).unflatten(-1, (heads, -1))
    for label in labels.unique():
        ys, xs = ((labels == label) & real).nonzero().T
        if not len(ys):
            continue
        index = (ys[:, None] - ys + window - 1) * (2 * window - 1) + xs[:, None] - xs + window - 1
        bias = w['relative_position_bias_table'][index]
        for head in range(heads):
            weights = attention_weights(q[ys, xs, head], k[ys, xs, head], bias[..., head])
            out[ys, xs, head] = weights @ v[ys, xs, head]
    return linear(w, 'proj', out.flatten(2)[:height, :width])


def overlapping_attention(w: dict, x: Tensor, window: int, overlap: int, heads: int) -> Tensor:
    """OCAB's attention, window by window, each query and key placed by its coordinates.

    Keys and values are zero in a border of ``overlap / 2`` cells round the map; beyond it are none.
    """
    height, width, _ = x.shape
    halo, large = overlap // 2, window + overlap
    q, k, v = linear(w, 'qkv', x).unflatten(-1, (3, heads, -1)).unbind(2)
    out = torch.zeros_like(q)
    table, span = w['relative_position_bias_table'], window + large - 1
    for top in range(0, height, window):
        for left in range(0, width, window):
            queries = [
                (y, x)
                for y in range(top, min(top + window, height))
                for x in range(left, min(left + window, width))
            ]
            keys = [
                (y, x)
                for y in range(top - halo, min(top + window, height) + halo)
                for x in range(left - halo, min(left + window, width) + halo)
            ]
            inside = [0 <= y < height and 0 <= x < width for y, x in keys]
            zero = torch.zeros_like(k[0, 0])
            k_window = torch.stack(
                [k[place] if ok else zero for place, ok in zip(keys, inside, strict=True)]
            )
            v_window = torch.stack(
                [v[place] if ok else zero for place, ok in zip(keys, inside, strict=True)]
            )
            # Offsets as published: both places counted from the top left of their own window.
            bias = torch.stack(
                [
                    torch.stack(
                        [
                            table[
                                ((ky - top + halo) - (qy - top) + window - large + 1) * span
                                + (kx - left + halo)
                                - (qx - left)
                                + window
                                - large
                                + 1
                            ]
                            for ky, kx in keys
                        ]
                    )
                    for qy, qx in queries
                ]
            )
            for head in range(heads):
                q_window = torch.stack([q[place][head] for place in queries])
                weights = attention_weights(q_window, k_window[:, head], bias[..., head])
                for place, value in zip(queries, weights @ v_window[:, head], strict=True):
                    out[place][head] = value
    return out.flatten(2)


def ocab(w: dict, x: Tensor, window: int, overlap: int, heads: int) -> Tensor:
    attended = overlapping_attention(w, layer_norm(w, 'norm1', x), window, overlap, heads)
    x = x + linear(w, 'proj', attended)
    return x + mlp(part_of(w, 'mlp'), layer_norm(w, 'norm2', x))


def cab(w: dict, x: Tensor) -> Tensor:
    x = conv(w, 'cab.2', gelu(conv(w, 'cab.0', x)))
    means = x.mean((0, 1), keepdim=True)
    hidden = conv(w, 'cab.3.attention.1', means).clamp(min=0)
    return x / (1 + torch.exp(-conv(w, 'cab.3.attention.3', hidden)))


def hab(w: dict, x: Tensor, window: int, heads: int, shift: int, conv_scale: float) -> Tensor:
    y = layer_norm(w, 'norm1', x)
    attended = window_attention(part_of(w, 'attn'), y, window, heads, shift)
    x = x + attended + conv_scale * cab(part_of(w, 'conv_block'), y)
    return x + mlp(part_of(w, 'mlp'), layer_norm(w, 'norm2', x))


def swin_group(w: dict, x: Tensor, depth: int, window: int, heads: int) -> Tensor:
    for block in range(depth):
        part, shift = part_of(w, f'blocks.{block}'), 0 if block % 2 == 0 else window // 2
        y = layer_norm(part, 'norm1', x)
        x = x + window_attention(part_of(part, 'attn'), y, window, heads, shift)
        x = x + mlp(part_of(part, 'mlp'), layer_norm(part, 'norm2', x))
    return x


def rhag(
    w: dict, x: Tensor, depth: int, window: int, overlap: int, heads: int, conv_scale: float
) -> Tensor:
    group, y = part_of(w, 'residual_group'), x
    for block in range(depth):
        y = hab(
            part_of(group, f'blocks.{block}'),
            y,
            window,
            heads,
            0 if block % 2 == 0 else window // 2,
            conv_scale,
        )
    y = ocab(part_of(group, 'overlap_attn'), y, window, overlap, heads)
    return x + conv(w, 'conv', y)
