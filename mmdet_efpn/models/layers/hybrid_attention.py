"""Hybrid attention: window and channel attention in one block (HAB), and groups of them (RHAG)."""

from collections.abc import Sequence

import torch
import torch.nn as nn
from mmdet.registry import MODELS
from torch import Tensor

from ..utils.arguments import check_heads, check_not_negative, drop_paths
from .channel_attention import CAB
from .overlapping_attention import OCAB
from .patch_merging import PatchMerging
from .swin_group import SwinBlock, run_block, shift_of


@MODELS.register_module()
class HAB(SwinBlock):
    """Hybrid attention block: a Swin block with a channel attention block beside its attention.

    ``y = norm1(x)``, ``x = x + (S)W-MSA(y) + conv_scale * CAB(y)``, ``x = x + mlp(norm2(x))``;
    (B, H, W, C) to the same, any H and W.

    Args:
        embed_dims (int): Width C of the map, a multiple of ``num_heads``.
        num_heads (int): Attention heads.
        window_size (int): Side of a window, in cells.
        shift_size (int): Where the window grid starts, 0 to ``window_size - 1``. Default 0.
        compress_ratio (int): C over the width between the convs of the CAB. Default 3.
        squeeze_factor (int): C over the hidden width of its channel attention. Default 30.
        conv_scale (float): Weight of the CAB. Default 0.01.
        mlp_ratio (float): Hidden width of the MLP over C. Default 2.
        drop_path (float): Chance that a sample leaves out attention or MLP in training. Default 0.

    Raises:
        UserError: widths, heads, windows, a shift or factors that do not fit.

    Source: HAT, arXiv:2205.04437, section 3.2, with the published model's parameter names.

    Example:
        >>> import torch
        >>> block = HAB(embed_dims=12, num_heads=3, window_size=8, shift_size=4, squeeze_factor=6)
        >>> block(torch.rand(2, 21, 13, 12)).shape
        torch.Size([2, 21, 13, 12])
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        window_size: int,
        shift_size: int = 0,
        compress_ratio: int = 3,
        squeeze_factor: int = 30,
        conv_scale: float = 0.01,
        mlp_ratio: float = 2.0,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__(embed_dims, num_heads, window_size, shift_size, mlp_ratio, drop_path)
        self.conv_block = CAB(embed_dims, compress_ratio, squeeze_factor)
        check_not_negative('HAB', 'conv_scale', conv_scale)
        self.conv_scale = conv_scale

    def mix(self, x: Tensor) -> Tensor:
        """What the normalised map ``x``, (B, H, W, C), adds: window and channel attention."""
        # The permuted view is a channels-last map, which convs take and give without a copy.
        convolved = self.conv_block(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return torch.add(super().mix(x), convolved, alpha=self.conv_scale)


class HybridBlocks(nn.Module):
    """HABs, every second one shifted by half a window, then one OCAB; (B, H, W, C) to the same."""

    def __init__(self, blocks: Sequence[HAB], overlap_attn: OCAB, with_cp: bool) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.overlap_attn = overlap_attn
        self.with_cp = with_cp

    def forward(self, x: Tensor) -> Tensor:
        """Gives (B, H, W, C) after all blocks."""
        for block in (*self.blocks, self.overlap_attn):
            x = run_block(block, x, self.with_cp)
        return x


@MODELS.register_module()
class RHAG(nn.Module):
    """Residual hybrid attention group: ``depth`` HABs, one OCAB, a 3x3 conv, ``+ x``.

    Its state dict has the names of a published HAT model's group ``layers.i``.

    Args:
        embed_dims (int): Width C of the map, a multiple of ``num_heads``.
        depth (int): Number of HABs.
        num_heads (int): Attention heads.
        window_size (int): Side of a window, in cells.
        compress_ratio (int): C over the width between the convs of a CAB. Default 3.
        squeeze_factor (int): C over the hidden width of its channel attention. Default 30.
        conv_scale (float): Weight of the CABs. Default 0.01.
        overlap_ratio (float): How much larger the OCAB's windows of keys are. Default 0.5.
        mlp_ratio (float): Hidden width of the MLPs over C. Default 2.
        drop_path (float | Sequence[float]): Stochastic depth, for all HABs or one for each. Default 0.
        downsample (bool): End with a :class:`PatchMerging`, which halves the map and doubles its
            width. Default False.
        with_cp (bool): Make activations again in the backward pass instead of keeping them.
            Default False.

    Raises:
        UserError: a depth, widths, heads, windows, factors, ratios or rates that do not fit.

    Source: HAT, arXiv:2205.04437, section 3.2.

    Example:
        >>> import torch
        >>> group = RHAG(embed_dims=12, depth=2, num_heads=3, window_size=8, squeeze_factor=6)
        >>> group(torch.rand(2, 12, 21, 13)).shape
        torch.Size([2, 12, 21, 13])
    """

    def __init__(
        self,
        embed_dims: int,
        depth: int,
        num_heads: int,
        window_size: int,
        compress_ratio: int = 3,
        squeeze_factor: int = 30,
        conv_scale: float = 0.01,
        overlap_ratio: float = 0.5,
        mlp_ratio: float = 2.0,
        drop_path: float | Sequence[float] = 0.0,
        downsample: bool = False,
        with_cp: bool = False,
    ) -> None:
        super().__init__()
        check_heads('RHAG', embed_dims, num_heads, window_size)
        blocks = [
            HAB(
                embed_dims,
                num_heads,
                window_size,
                shift_of(block, window_size),
                compress_ratio,
                squeeze_factor,
                conv_scale,
                mlp_ratio,
                rate,
            )
            for block, rate in enumerate(drop_paths('RHAG', drop_path, depth))
        ]
        overlap_attn = OCAB(embed_dims, num_heads, window_size, overlap_ratio, mlp_ratio)
        self.residual_group = HybridBlocks(blocks, overlap_attn, with_cp)
        self.conv = nn.Conv2d(embed_dims, embed_dims, 3, padding=1)
        self.downsample = PatchMerging(embed_dims) if downsample else None

    def forward(self, x: Tensor) -> Tensor:
        """Gives the map after the group.

        Args:
            x (Tensor): (B, C, H, W), any H and W, any memory format.

        Returns:
            Tensor: (B, C, H, W); with ``downsample`` (B, 2C, ceil(H / 2), ceil(W / 2)).
        """
        tokens = x.permute(0, 2, 3, 1).contiguous()  # B, H, W, C
        x = x + self.conv(self.residual_group(tokens).permute(0, 3, 1, 2))
        if self.downsample is None:
            return x
        return self.downsample(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
