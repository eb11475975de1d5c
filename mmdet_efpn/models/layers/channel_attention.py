"""The channel attention block (CAB) of the hybrid attention transformer."""

import torch.nn as nn
from mmdet.registry import MODELS
from torch import Tensor

from ...utils.errors import UserError


class ChannelAttention(nn.Module):
    """Scales each channel by a weight from 0 to 1, made from the channels' means over the map.

    Args:
        embed_dims (int): Width C of the map.
        squeeze_factor (int): C over the hidden width.
    """

    def __init__(self, embed_dims: int, squeeze_factor: int) -> None:
        super().__init__()
        hidden = embed_dims // squeeze_factor
        self.attention = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(embed_dims, hidden, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, embed_dims, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Gives (B, C, H, W), each channel of ``x`` by its weight."""
        return x * self.attention(x)


@MODELS.register_module()
class CAB(nn.Module):
    """Two 3x3 convs through a narrow middle, then channel attention; (B, C, H, W) to the same.

    Args:
        embed_dims (int): Width C of the map.
        compress_ratio (int): C over the width between the convs. Default 3.
        squeeze_factor (int): C over the hidden width of the channel attention. Default 30.

    Raises:
        UserError: a factor that leaves no channel.

    Source: HAT, arXiv:2205.04437, section 3.2, with the published model's parameter names.

    Example:
        >>> import torch
        >>> CAB(embed_dims=12, compress_ratio=3, squeeze_factor=6)(torch.rand(2, 12, 9, 7)).shape
        torch.Size([2, 12, 9, 7])
    """

    def __init__(self, embed_dims: int, compress_ratio: int = 3, squeeze_factor: int = 30) -> None:
        super().__init__()
        for name, factor in (('compress_ratio', compress_ratio), ('squeeze_factor', squeeze_factor)):
            if not isinstance(factor, int) or not 1 <= factor <= embed_dims:
                raise UserError(
                    f'CAB: {name} must be an integer from 1 to embed_dims, which is '
                    f'{embed_dims}, got {factor!r}'
                )
        self.cab = nn.Sequential(
            nn.Conv2d(embed_dims, embed_dims // compress_ratio, 3, padding=1),
            nn.GELU(),
            nn.Conv2d(embed_dims // compress_ratio, embed_dims, 3, padding=1),
            ChannelAttention(embed_dims, squeeze_factor),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Gives (B, C, H, W) of a map (B, C, H, W)."""
        return self.cab(x)
