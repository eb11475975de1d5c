"""Feature texture transfer at a small price: depthwise and 1x1 convs in place of 3x3 ones."""

import math

import torch
import torch.nn.functional as F
from mmdet.registry import MODELS
from torch import Tensor, nn

from ...utils.errors import UserError
from ...utils.known_names import known_arguments_only
from ..layers.composed_convs import pointwise_kernel, pointwise_onto
from ..layers.convnext_block import LightBlock
from ..layers.precision import own_precision
from ..layers.sums import add_shuffled, repeated_for_shuffle
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
                *(LightBlock(hidden_channels, kernel_size, mlp_ratio) for _ in range(number))
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

    def transfer_narrowed(self, p2: Tensor, p3: Tensor, weight: Tensor) -> Tensor:
        """As the base class, with all 1x1 convs in a row as one, and no map that only they would read.

        What comes from stride 8 is brought to its last width there and shuffled into the sums.
        """
        content = self.content(self.content_conv(p3))  # B, h, H/8, W/8
        texture_rows = self.texture_conv.weight.flatten(1)
        of_p2, of_content = texture_rows.split((self.channels, content.shape[1]), dim=1)
        *blocks, last = self.texture
        with own_precision(weight):
            narrow = weight.flatten(1) @ self.tail.weight.flatten(1)  # widths c and h
            bias = weight.flatten(1) @ self.tail.bias + narrow @ last.mlp.fc2.bias
            last_weight = narrow @ last.mlp.fc2.weight.flatten(1)
        x = add_shuffled(
            F.conv2d(p2, pointwise_kernel(of_p2), self.texture_conv.bias),
            F.conv2d(content, *self._upsampling_into(of_content)),
        )
        for block in blocks:
            x = block(x)
        fine = pointwise_onto(F.conv2d(x, pointwise_kernel(narrow), bias), last.wide(x), last_weight)
        coarse = F.conv2d(content, *self._upsampling_into(narrow)).unflatten(1, (-1, 4))
        coarse = coarse + repeated_for_shuffle(F.conv2d(p3, pointwise_kernel(weight.flatten(1))))
        return add_shuffled(fine, coarse.flatten(1, 2))

    def _upsampling_into(self, after: Tensor) -> tuple[Tensor, Tensor]:
        """The sub-pixel conv with a 1x1 conv (n, h) after its shuffle, as one conv before a shuffle."""
        conv = self.upsample[0]
        with own_precision(after):
            rows = torch.einsum('no,oqi->nqi', after, conv.weight.flatten(1).unflatten(0, (-1, 4)))
            bias = after @ conv.bias.unflatten(0, (-1, 4))
        return pointwise_kernel(rows.flatten(0, 1)), bias.flatten()

    @torch.no_grad()
    def _reset(self) -> None:
        """Scale-keeping normal weights, so that no part starts with a larger output than its input."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                fan_in = module.weight[0].numel()
                nn.init.normal_(module.weight, std=1 / math.sqrt(fan_in))
                nn.init.zeros_(module.bias)
        self.tail.weight *= self.initial_residual
