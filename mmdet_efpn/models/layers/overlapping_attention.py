"""The overlapping cross-attention block (OCAB) of the hybrid attention transformer."""

import torch.nn as nn
from mmdet.registry import MODELS
from timm.layers import Mlp
from torch import Tensor

from ...utils.errors import UserError
from ..utils.arguments import check_heads, check_not_negative, hidden_width
from .map_attention import attend_windows
from .position_bias import RelativePositionBias


@MODELS.register_module()
class OCAB(RelativePositionBias):
    """Attention from windows to overlapping larger windows, then an MLP.

    ``x = x + proj(attention(norm1(x)))``, ``x = x + mlp(norm2(x))``. Queries come from windows of side
    w, keys and values from windows of side w_o = (1 + overlap_ratio) w around them. Keys and values
    outside the map are zero and take part, as published: the map has a border of (w_o - w) / 2 zeros,
    and nothing beyond it. At the bottom and right of a map of any other size than whole windows,
    windows are smaller; the border is the same.

    Args:
        embed_dims (int): Width C of the map, a multiple of ``num_heads``.
        num_heads (int): Attention heads.
        window_size (int): Side w of the windows of queries, in cells.
        overlap_ratio (float): How much larger the windows of keys are; ``int(overlap_ratio *
            window_size)`` must be even. Default 0.5.
        mlp_ratio (float): Hidden width of the MLP over C. Default 2.

    Attributes:
        fused (bool): ``False`` takes the plain formula, for comparison. Default ``True``.

    Raises:
        UserError: widths, heads, windows or an overlap that do not fit.

    Source: HAT, arXiv:2205.04437, section 3.2, with the published model's parameter names.

    Example:
        >>> import torch
        >>> block = OCAB(embed_dims=12, num_heads=3, window_size=8)
        >>> block(torch.rand(2, 21, 13, 12)).shape
        torch.Size([2, 21, 13, 12])
    """

    fused = True

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        window_size: int,
        overlap_ratio: float = 0.5,
        mlp_ratio: float = 2.0,
    ) -> None:
        check_heads('OCAB', embed_dims, num_heads, window_size)
        check_not_negative('OCAB', 'overlap_ratio', overlap_ratio)
        overlap = int(window_size * overlap_ratio)
        if overlap < 0 or overlap % 2:
            raise UserError(
                'OCAB: int(window_size * overlap_ratio) must be even and not negative, so that windows '
                f'grow alike on all sides, got {overlap} for window_size={window_size} and '
                f'overlap_ratio={overlap_ratio}'
            )
        super().__init__(window_size, window_size + overlap, num_heads)
        self.window_size = window_size
        self.halo = overlap // 2
        self.num_heads = num_heads
        self.norm1 = nn.LayerNorm(embed_dims)
        self.qkv = nn.Linear(embed_dims, 3 * embed_dims)
        self.proj = nn.Linear(embed_dims, embed_dims)
        self.norm2 = nn.LayerNorm(embed_dims)
        self.mlp = Mlp(embed_dims, hidden_width('OCAB', embed_dims, mlp_ratio))

    def ordered_table(self) -> Tensor:
        """The table of position biases, smallest offset first."""
        # The published index of an offset is dy * span + dx with dy, dx from 2 - w_o to w, where
        # negative indices count from the table's end: this roll brings the smallest offset to 0.
        return self.relative_position_bias_table.roll((self.key_window - 2) * (self.span + 1), 0)

    def forward(self, x: Tensor) -> Tensor:
        """Gives the map after attention and MLP.

        Args:
            x (Tensor): (B, H, W, C), any H and W.

        Returns:
            Tensor: (B, H, W, C).
        """
        qkv = self.qkv(self.norm1(x)).unflatten(-1, (3, self.num_heads, -1))  # B, H, W, 3, heads, d
        out = attend_windows(qkv, self.window_size, self.halo, 0, self.bias, self.fused)
        x = x + self.proj(out)
        return x + self.mlp(self.norm2(x))
