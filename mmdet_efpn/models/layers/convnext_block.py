"""ConvNeXt's block, with a norm that keeps the map's type under autocast."""

import torch
import torch.nn.functional as F
from timm.layers import LayerNorm2d
from timm.models.convnext import ConvNeXtBlock
from torch import Tensor

from .precision import own_precision


class MapLayerNorm(LayerNorm2d):
    """Layer norm over the channels of a map, in the map's type and layout.

    Autocast runs layer norms in float32, which costs a copy of the map into float32 and one back.
    torch's kernel adds up in float32 in any case; so a bfloat16 or float16 map may stay what it is.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Gives (B, C, H, W) of a map (B, C, H, W)."""
        if torch.compiler.is_compiling():
            return self._as_formula(x)
        with own_precision(x):
            weight, bias = self.weight.to(x.dtype), self.bias.to(x.dtype)
            rows = x.permute(0, 2, 3, 1)
            return F.layer_norm(rows, self.normalized_shape, weight, bias, self.eps).permute(0, 3, 1, 2)

    def _as_formula(self, x: Tensor) -> Tensor:
        """The same for the compiler, which makes one loop of it and cannot give a permuted map out."""
        wide = x if x.dtype is torch.float64 else x.float()
        variance, mean = torch.var_mean(wide, dim=1, correction=0, keepdim=True)
        scaled = (wide - mean) * torch.rsqrt(variance + self.eps)
        weight, bias = (value.to(wide.dtype)[:, None, None] for value in (self.weight, self.bias))
        return (scaled * weight + bias).to(x.dtype)


class LightBlock(ConvNeXtBlock):
    """ConvNeXt's block of 1x1 convs without layer scale: depthwise conv, norm, wide layer, GELU, back.

    Names and shapes of the weights are timm's.

    Args:
        channels (int): Width of input and output.
        kernel_size (int): Side of the depthwise conv, odd.
        mlp_ratio (float): Width of the wide layer over ``channels``.

    Source: arXiv:2201.03545, section 2.
    """

    def __init__(self, channels: int, kernel_size: int, mlp_ratio: float) -> None:
        super().__init__(
            channels,
            kernel_size=kernel_size,
            mlp_ratio=mlp_ratio,
            conv_mlp=True,
            ls_init_value=None,
            norm_layer=MapLayerNorm,
        )

    def wide(self, x: Tensor) -> Tensor:
        """What the last 1x1 conv reads: (B, mlp_ratio * C, H, W) of a map (B, C, H, W)."""
        return self.mlp.act(self.mlp.fc1(self.norm(self.conv_dw(x))))

    def forward(self, x: Tensor) -> Tensor:
        """Gives (B, C, H, W) of a map (B, C, H, W)."""
        return x + self.mlp.fc2(self.wide(x))
