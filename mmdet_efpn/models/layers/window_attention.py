"""Attention within the cells of a window grid, shifted or not (W-MSA, SW-MSA)."""

import torch.nn as nn
from mmdet.registry import MODELS
from torch import Tensor

from ..utils.arguments import check_heads, check_shift
from .map_attention import attend_windows
from .position_bias import RelativePositionBias


@MODELS.register_module()
class WindowAttention(RelativePositionBias):
    """Multi-head self-attention within windows, with relative position bias.

    With a shift s, the window grid starts s rows and columns inside the map, and windows are cut off
    at its borders. On maps of whole windows these are the numbers of the rolled and masked form; on any
    other map those of the form that also pads to whole windows and masks the padding.

    Args:
        embed_dims (int): Width C of the map, a multiple of ``num_heads``.
        window_size (int): Side w of a window, in cells.
        num_heads (int): Attention heads.

    Attributes:
        fused (bool): ``False`` takes the plain formula, for comparison. Default ``True``.

    Raises:
        UserError: widths, heads or windows that do not fit.

    Source: Swin Transformer, arXiv:2103.14030, section 3.2. Parameter names are those of the published
    HAT model (arXiv:2205.04437).

    Example:
        >>> import torch
        >>> attention = WindowAttention(embed_dims=12, window_size=8, num_heads=3)
        >>> attention(torch.rand(2, 21, 13, 12), shift=4).shape
        torch.Size([2, 21, 13, 12])
    """

    fused = True

    def __init__(self, embed_dims: int, window_size: int, num_heads: int) -> None:
        check_heads('WindowAttention', embed_dims, num_heads, window_size)
        super().__init__(window_size, window_size, num_heads)
        self.window_size = window_size
        self.num_heads = num_heads
        self.qkv = nn.Linear(embed_dims, 3 * embed_dims)
        self.proj = nn.Linear(embed_dims, embed_dims)

    def ordered_table(self) -> Tensor:
        """The table of position biases, smallest offset first."""
        # The published table counts offsets from query minus key.
        return self.relative_position_bias_table.flip(0)

    def forward(self, x: Tensor, shift: int = 0) -> Tensor:
        """Lets the tokens of each window attend to each other.

        Args:
            x (Tensor): (B, H, W, C), any H and W.
            shift (int): Where the window grid starts, 0 to ``window_size - 1`` cells.

        Returns:
            Tensor: (B, H, W, C).
        """
        check_shift('WindowAttention', 'shift', shift, self.window_size)
        qkv = self.qkv(x).unflatten(-1, (3, self.num_heads, -1))  # B, H, W, 3, heads, d
        return self.proj(attend_windows(qkv, self.window_size, 0, shift, self.bias, self.fused))
