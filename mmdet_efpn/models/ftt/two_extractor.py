"""The base of the FTT modules whose content and texture extractors are blocks between convs."""

import math
from abc import abstractmethod
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from timm.layers import trunc_normal_
from torch import Tensor, nn

from ...utils.errors import UserError
from ..layers.composed_convs import conv_of_two, pointwise_after
from ..layers.sums import add_upsampled
from ..utils.arguments import check_positive_integer, check_rate
from .base import BaseFTT

INITIAL_RESIDUAL = 0.01


class TwoExtractorFTT(BaseFTT):
    """Feature texture transfer by two extractors of one width.

    The content extractor works at stride 8 on P3, a sub-pixel conv carries the result to stride 4, the
    texture extractor takes what P2 adds, and a conv brings the sum of texture and content back to the
    pyramid's width, where nearest-neighbour upsampled P3 is added.

    A subclass builds the extractors, gives them to :meth:`_assemble` at the end of its constructor, and
    says in :meth:`_reset` how the weights start.

    Args: those of ``BaseFTT``.

    Source: arXiv:2003.07021, section 3.2 and figure 3.
    """

    def _assemble(self, width: int, kernel_size: int, content: nn.Module, texture: nn.Module) -> None:
        """Puts the convs around the two extractors, and sets the weights.

        Args:
            width (int): Width of the extractors.
            kernel_size (int): Side of the convs around them, odd.
            content (nn.Module): Takes and gives (B, width, H/8, W/8).
            texture (nn.Module): Takes and gives (B, width, H/4, W/4).
        """

        def conv(in_channels: int, out_channels: int) -> nn.Conv2d:
            return nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2)

        self.content_conv = conv(self.channels, width)
        self.content = content
        self.upsample = nn.Sequential(conv(width, 4 * width), nn.PixelShuffle(2))
        self.texture_conv = conv(self.channels + width, width)
        self.texture = texture
        self.tail = conv(width, self.channels)
        self._reset()

    @abstractmethod
    def _reset(self) -> None:
        """Sets the weights to those that the class starts from."""

    def init_weights(self) -> None:
        """Initialises as the class says, then as ``init_cfg`` says."""
        if not self.is_init:
            self._reset()
        super().init_weights()

    def transfer(self, p2: Tensor, p3: Tensor) -> Tensor:
        """Gives P3', (B, C, H/4, W/4): content of P3, texture of P2, and P3 upsampled."""
        return add_upsampled(self.tail(self._texture_and_content(p2, p3)), p3)

    def transfer_narrowed(self, p2: Tensor, p3: Tensor, weight: Tensor) -> Tensor:
        """As the base class, by one conv in the place of the last one and the 1x1 conv after it."""
        kernel, bias = pointwise_after(weight, self.tail)
        narrow = F.conv2d(self._texture_and_content(p2, p3), kernel, bias, padding=self.tail.padding)
        return add_upsampled(narrow, F.conv2d(p3, weight))

    def _texture_and_content(self, p2: Tensor, p3: Tensor) -> Tensor:
        """What the last conv reads: (B, width of the extractors, H/4, W/4)."""
        content = self.crop(self.upsample(self.content(self.content_conv(p3))), p2)
        return self.texture(conv_of_two(self.texture_conv, p2, content)) + content


class AttentionFTT(TwoExtractorFTT):
    """Feature texture transfer whose content and texture extractors are groups of attention blocks.

    The convs around the extractors are 3x3. A subclass says in :meth:`build_group` what a group is.

    At initialisation P3' is the upsampled P3 plus about a hundredth of the features inside: the last
    conv starts at a hundredth of the scale that keeps a signal's size. A trained FPN detector is
    therefore hardly disturbed. It does not start at zero, because then no gradient would reach anything
    before it until the first step. A neck that initialises all its convs does not undo this:
    ``init_weights`` of this module comes after it.

    Args:
        channels (int): Width of P2, P3 and P3'.
        embed_dims (int): Width inside the module, a multiple of every number of heads. Default 96.
        depths (Sequence[int | Sequence[int]]): Blocks of the content extractor, then of the texture
            extractor: of its one group, or of each of its groups. Default (2, 2).
        num_heads (int | Sequence[int | Sequence[int]]): Attention heads: one number for all groups, or
            one for each, in the form of ``depths``. Default 6.
        window_size (int): Side of a window, in cells. Default 8.
        mlp_ratio (float): Hidden width of the MLPs over ``embed_dims``. Default 2.
        drop_path_rate (float): Stochastic depth of the last block; it grows linearly from 0 at the
            first. Default 0.
        with_cp (bool): Make the blocks' activations again in the backward pass instead of keeping
            them: less memory, more time. Default False.
        init_cfg (dict | list[dict], optional): mmengine's initialisation config.

    Raises:
        UserError: numbers that no groups can be built from.
    """

    def __init__(
        self,
        channels: int,
        embed_dims: int = 96,
        depths: Sequence[int | Sequence[int]] = (2, 2),
        num_heads: int | Sequence[int | Sequence[int]] = 6,
        window_size: int = 8,
        mlp_ratio: float = 2.0,
        drop_path_rate: float = 0.0,
        with_cp: bool = False,
        init_cfg=None,
    ) -> None:
        super().__init__(channels, init_cfg=init_cfg)
        check_positive_integer('ftt', 'embed_dims', embed_dims)
        check_rate('ftt', 'drop_path_rate', drop_path_rate)
        depths = self._both_extractors('depths', depths)
        num_heads = self._heads_of_groups(num_heads, depths)
        rates = iter(torch.linspace(0, drop_path_rate, sum(map(sum, depths))).tolist())
        content, texture = (
            nn.Sequential(
                *(
                    self.build_group(
                        embed_dims=embed_dims,
                        depth=depth,
                        num_heads=heads,
                        window_size=window_size,
                        mlp_ratio=mlp_ratio,
                        drop_path=[next(rates) for _ in range(depth)],
                        with_cp=with_cp,
                    )
                    for depth, heads in zip(*groups, strict=True)
                )
            )
            for groups in zip(depths, num_heads, strict=True)
        )
        self._assemble(embed_dims, 3, content, texture)

    @abstractmethod
    def build_group(
        self,
        embed_dims: int,
        depth: int,
        num_heads: int,
        window_size: int,
        mlp_ratio: float,
        drop_path: list[float],
        with_cp: bool,
    ) -> nn.Module:
        """Makes one group, which takes and gives (B, embed_dims, H, W) of any H and W.

        The constructor calls it, before the module has any parameter.
        """

    @staticmethod
    def _both_extractors(name: str, value) -> list[list[int]]:
        """Content and texture groups as two lists of positive integers."""
        parts = value if isinstance(value, Sequence) else [value]
        groups = [list(part) if isinstance(part, Sequence) else [part] for part in parts]
        if (
            len(groups) != 2
            or not all(groups)
            or not all(isinstance(number, int) and number > 0 for part in groups for number in part)
        ):
            raise UserError(
                f'ftt.{name} must be two entries, for content and texture, each a positive integer or '
                f'a list of them (one for each group), got {value!r}'
            )
        return groups

    @classmethod
    def _heads_of_groups(cls, num_heads, depths: list[list[int]]) -> list[list[int]]:
        """The number of heads of each group, in the form of ``depths``."""
        if isinstance(num_heads, int):
            num_heads = [[num_heads] * len(groups) for groups in depths]
        num_heads = cls._both_extractors('num_heads', num_heads)
        if [len(groups) for groups in num_heads] != [len(groups) for groups in depths]:
            raise UserError(
                f'ftt.num_heads must be one integer or have the form of ftt.depths, '
                f'{depths}, got {num_heads}'
            )
        return num_heads

    def groups(self) -> list[nn.Module]:
        """All groups, content first, in the order of the data."""
        return [*self.content, *self.texture]

    @torch.no_grad()
    def _reset(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Linear):
                trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        fan_in = self.tail.weight[0].numel()
        nn.init.normal_(self.tail.weight, std=INITIAL_RESIDUAL / math.sqrt(fan_in))
        nn.init.zeros_(self.tail.bias)
