"""Halving a map between groups of attention blocks."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from mmdet.registry import MODELS
from torch import Tensor


@MODELS.register_module()
class PatchMerging(nn.Module):
    """Lays 2x2 neighbours beside each other (4C channels), normalises, and maps them to 2C.

    A map of odd height or width gets a row or column of zeros.

    Args:
        embed_dims (int): Width C of the map.

    Source: Swin Transformer, arXiv:2103.14030, section 3.1, with the published HAT model's parameter
    names and order of neighbours: down the first column, then down the second.

    Example:
        >>> import torch
        >>> PatchMerging(embed_dims=12)(torch.rand(2, 21, 14, 12)).shape
        torch.Size([2, 11, 7, 24])
    """

    def __init__(self, embed_dims: int) -> None:
        super().__init__()
        self.reduction = nn.Linear(4 * embed_dims, 2 * embed_dims, bias=False)
        self.norm = nn.LayerNorm(4 * embed_dims)

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C) to (B, ceil(H / 2), ceil(W / 2), 2C)."""
        height, width = x.shape[1:3]
        x = F.pad(x, (0, 0, 0, width % 2, 0, height % 2))
        merged = torch.cat([x[:, dy::2, dx::2] for dx in range(2) for dy in range(2)], dim=-1)
        return self.reduction(self.norm(merged))
