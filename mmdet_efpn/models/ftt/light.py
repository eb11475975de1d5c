"""Feature texture transfer at a small price: depthwise and 1x1 convs in place of 3x3 ones."""

import math

import torch
import torch.nn as nn
from mmdet.registry import MODELS
from timm.models.convnext import ConvNeXtBlock

from ...utils.errors import UserError
from ...utils.known_names import known_arguments_only
from ..utils.arguments import check_positive_integer, check_positive_number
from .two_extractor import TwoExtractorFTT


@MODELS.register_module()
@known_arguments_only
class LightFTT(TwoExtractorFTT):
    """Feature texture transfer whose extractors are ConvNeXt blocks.

    With h hidden channels: a 1x1 conv and the content blocks work at stride 8 on P3, a 1x1 conv and a
    pixel shuffle carry the result to stride 4, a 1x1 conv and the texture blocks take what P2 adds, and
    a 1x1 conv brings the sum of texture and content back to the pyramid's width, where
    nearest-neighbour upsampled P3 is added. Only the blocks' depthwise convs look beyond a cell.

    With the defaults and 256 channels it costs 13 G multiply-adds at 800x1344, where ``FTT`` costs 119 G
    with the same h.

    Args:
        channels (int): Width of P2, P3 and P3'.
        hidden_channels (int, optional): Width h inside the module. Default: half of ``channels``.
        content_blocks (int): ConvNeXt blocks at stride 8. Default 1.
        texture_blocks (int): ConvNeXt blocks at stride 4. Default 1.
        kernel_size (int): Side of the depthwise convs, odd. Default 3.
        mlp_ratio (float): Width inside a block's two 1x1 layers, over h. Default 2.
        initial_residual (float): Scale of what is added to the upsampled P3 at initialisation, over the
            scale of the features inside; see ``AttentionFTT`` for why it is not zero. Default 1.
        init_cfg (dict | list[dict], optional): mmengine's initialisation config.

    Raises:
        UserError: numbers that no blocks can be built from.

    Source: arXiv:2003.07021, section 3.2; the blocks are those of arXiv:2201.03545, section 2, without
    layer scale.

    Example:
        >>> import torch
        >>> ftt = LightFTT(channels=16)
        >>> ftt(torch.rand(1, 16, 25, 42), torch.rand(1, 16, 13, 21)).shape
        torch.Size([1, 16, 25, 42])
    """

    def __init__(
        self,
        channels: int,
        hidden_channels: int | None = None,
        content_blocks: int = 1,
        texture_blocks: int = 1,
        kernel_size: int = 3,
        mlp_ratio: float = 2,
        initial_residual: float = 1,
        init_cfg=None,
    ) -> None:
        super().__init__(channels, init_cfg=init_cfg)
        hidden_channels = max(channels // 2, 1) if hidden_channels is None else hidden_channels
        self._check_arguments(
            dict(
                hidden_channels=hidden_channels,
                content_blocks=content_blocks,
                texture_blocks=texture_blocks,
                kernel_size=kernel_size,
            ),
            dict(mlp_ratio=mlp_ratio, initial_residual=initial_residual),
        )
        self.initial_residual = initial_residual

        def blocks(number: int) -> nn.Sequential:
            return nn.Sequential(
                *(
                    ConvNeXtBlock(
                        hidden_channels,
                        kernel_size=kernel_size,
                        mlp_ratio=mlp_ratio,
                        conv_mlp=True,
                        ls_init_value=None,
                    )
                    for _ in range(number)
                )
            )

        # two cells of stride 4 for each of stride 8, and one for where a cell lies in its parent
        reach = kernel_size // 2
        self.halo = 2 * content_blocks * reach + 1 + texture_blocks * reach
        self._assemble(hidden_channels, 1, blocks(content_blocks), blocks(texture_blocks))

    @staticmethod
    def _check_arguments(integers: dict[str, int], numbers: dict[str, float]) -> None:
        for name, value in integers.items():
            check_positive_integer('ftt', name, value)
        if integers['kernel_size'] % 2 == 0:
            raise UserError(f'ftt: kernel_size must be odd, got {integers["kernel_size"]}')
        for name, value in numbers.items():
            check_positive_number('ftt', name, value)

    @torch.no_grad()
    def _reset(self) -> None:
        """Scale-keeping normal weights, so that no part starts with a larger output than its input."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                fan_in = module.weight[0].numel()
                nn.init.normal_(module.weight, std=1 / math.sqrt(fan_in))
                nn.init.zeros_(module.bias)
        self.tail.weight *= self.initial_residual
