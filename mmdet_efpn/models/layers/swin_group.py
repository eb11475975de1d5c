"""Blocks of window attention and an MLP, and groups of them on maps."""

from collections.abc import Sequence

import torch
import torch.nn as nn
from timm.layers import DropPath, Mlp
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from ..utils.arguments import check_heads, check_rate, check_shift, drop_paths, hidden_width
from .window_attention import WindowAttention


class SwinBlock(nn.Module):
    """``x = x + (S)W-MSA(norm1(x))``, ``x = x + mlp(norm2(x))``; (B, H, W, C) to the same.

    Args:
        embed_dims (int): Width C of the map, a multiple of ``num_heads``.
        num_heads (int): Attention heads.
        window_size (int): Side of a window, in cells.
        shift_size (int): Where the window grid starts, 0 to ``window_size - 1``. Default 0.
        mlp_ratio (float): Hidden width of the MLP over C. Default 2.
        drop_path (float): Chance that a sample leaves out a branch in training. Default 0.

    Raises:
        UserError: widths, heads, windows, a shift, a ratio or a rate that do not fit.

    Source: Swin Transformer, arXiv:2103.14030, section 3.2.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        window_size: int,
        shift_size: int = 0,
        mlp_ratio: float = 2.0,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        check_heads(name, embed_dims, num_heads, window_size)
        check_shift(name, 'shift_size', shift_size, window_size)
        check_rate(name, 'drop_path', drop_path)
        self.shift_size = shift_size
        self.norm1 = nn.LayerNorm(embed_dims)
        self.attn = WindowAttention(embed_dims, window_size, num_heads)
        self.drop_path = DropPath(drop_path) if drop_path > 0 else nn.Identity()
        self.norm2 = nn.LayerNorm(embed_dims)
        self.mlp = Mlp(embed_dims, hidden_width(name, embed_dims, mlp_ratio))

    def mix(self, x: Tensor) -> Tensor:
        """What the normalised map ``x`` adds to the block's input."""
        return self.drop_path(self.attn(x, self.shift_size))

    def forward(self, x: Tensor) -> Tensor:
        """Gives (B, H, W, C) after attention and MLP."""
        x = x + self.mix(self.norm1(x))
        return x + self.drop_path(self.mlp(self.norm2(x)))


def run_block(block: nn.Module, x: Tensor, with_cp: bool) -> Tensor:
    """``block(x)``, with activations made again in the backward pass if ``with_cp``."""
    if with_cp and torch.is_grad_enabled():
        return checkpoint(block, x, use_reentrant=False)
    return block(x)


def shift_of(block: int, window_size: int) -> int:
    """Every second block is shifted by half a window."""
    return block % 2 * (window_size // 2)


class SwinGroup(nn.Module):
    """Blocks of window attention, every second one shifted; (B, C, H, W) to the same.

    Args:
        embed_dims (int): Width C of the map, a multiple of ``num_heads``.
        depth (int): Number of blocks.
        num_heads (int): Attention heads.
        window_size (int): Side of a window, in cells.
        mlp_ratio (float): Hidden width of the MLPs over C. Default 2.
        drop_path (float | Sequence[float]): Stochastic depth, for all blocks or one for each.
            Default 0.
        with_cp (bool): Make activations again in the backward pass instead of keeping them.
            Default False.

    Raises:
        UserError: a depth, widths, heads, windows, a ratio or rates that do not fit.

    Example:
        >>> import torch
        >>> group = SwinGroup(embed_dims=12, depth=2, num_heads=3, window_size=8)
        >>> group(torch.rand(2, 12, 21, 13)).shape
        torch.Size([2, 12, 21, 13])
    """

    def __init__(
        self,
        embed_dims: int,
        depth: int,
        num_heads: int,
        window_size: int,
        mlp_ratio: float = 2.0,
        drop_path: float | Sequence[float] = 0.0,
        with_cp: bool = False,
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            [
                SwinBlock(
                    embed_dims, num_heads, window_size, shift_of(block, window_size), mlp_ratio, rate
                )
                for block, rate in enumerate(drop_paths('SwinGroup', drop_path, depth))
            ]
        )
        self.with_cp = with_cp

    def forward(self, x: Tensor) -> Tensor:
        """Gives (B, C, H, W) after all blocks, of a map of any H and W."""
        tokens = x.permute(0, 2, 3, 1).contiguous()  # B, H, W, C
        for block in self.blocks:
            tokens = run_block(block, tokens, self.with_cp)
        return tokens.permute(0, 3, 1, 2)
