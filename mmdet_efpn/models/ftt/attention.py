"""What the FTT modules of attention groups share."""

import math
from abc import abstractmethod
from collections.abc import Sequence

import torch
import torch.nn as nn
from timm.layers import trunc_normal_

from ..utils.arguments import check_positive_integer, check_rate
from .two_extractor import TwoExtractorFTT

INITIAL_RESIDUAL = 0.01


class AttentionFTT(TwoExtractorFTT):
    """Feature texture transfer whose content and texture extractors are groups of attention blocks.

    With width ``embed_dims`` inside: a 3x3 conv and the content groups work at stride 8 on P3, a
    sub-pixel conv carries the result to stride 4, a 3x3 conv and the texture groups take what P2 adds,
    and a 3x3 conv brings the sum of texture and content back to the pyramid's width, where
    nearest-neighbour upsampled P3 is added. A subclass says in :meth:`build_group` what a group is.

    At initialisation P3' is the upsampled P3 plus about a hundredth of the features inside: the last
    conv starts at a hundredth of the scale that keeps a signal's size. A trained FPN detector is
    therefore hardly disturbed. It does not start at zero, because then no gradient would reach anything
    before it until the first step. A neck that initialises all its convs does not undo this:
    ``init_weights`` of this module comes after it.

    Args:
        channels (int): Width of P2, P3 and P3'.
        embed_dims (int): Width inside the module.
        depths (Sequence[int | Sequence[int]]): Blocks of the content extractor, then of the texture
            extractor: of its one group, or of each of its groups.
        num_heads (int | Sequence[int | Sequence[int]]): Attention heads: one number for all groups, or
            one for each, in the form of ``depths``.
        drop_path_rate (float): Stochastic depth of the last block; it grows linearly from 0 at the
            first.
        init_cfg (dict | list[dict], optional): mmengine's initialisation config.
        group_cfg: Further arguments of :meth:`build_group`.

    Raises:
        ValueError: numbers that no groups can be built from.
    """

    def __init__(
        self,
        channels: int,
        embed_dims: int,
        depths: Sequence[int | Sequence[int]],
        num_heads: int | Sequence[int | Sequence[int]],
        drop_path_rate: float,
        init_cfg=None,
        **group_cfg,
    ) -> None:
        super().__init__(channels, init_cfg=init_cfg)
        check_positive_integer('ftt', 'embed_dims', embed_dims)
        check_rate('ftt', 'drop_path_rate', drop_path_rate)
        depths = self._both_extractors('depths', depths)
        if isinstance(num_heads, int):
            num_heads = [[num_heads] * len(groups) for groups in depths]
        num_heads = self._both_extractors('num_heads', num_heads)
        if [len(groups) for groups in num_heads] != [len(groups) for groups in depths]:
            raise ValueError(
                f'ftt.num_heads must be one integer or have the form of ftt.depths, '
                f'{depths}, got {num_heads}'
            )
        rates = torch.linspace(0, drop_path_rate, sum(map(sum, depths))).tolist()
        extractors = []
        for extractor_depths, extractor_heads in zip(depths, num_heads, strict=True):
            groups = nn.Sequential()
            for depth, heads in zip(extractor_depths, extractor_heads, strict=True):
                groups.append(
                    self.build_group(
                        embed_dims=embed_dims,
                        depth=depth,
                        num_heads=heads,
                        drop_path=rates[:depth],
                        **group_cfg,
                    )
                )
                rates = rates[depth:]
            extractors.append(groups)
        self.content_conv = nn.Conv2d(channels, embed_dims, 3, padding=1)
        self.content = extractors[0]
        self.upsample = nn.Sequential(
            nn.Conv2d(embed_dims, 4 * embed_dims, 3, padding=1), nn.PixelShuffle(2)
        )
        self.texture_conv = nn.Conv2d(channels + embed_dims, embed_dims, 3, padding=1)
        self.texture = extractors[1]
        self.tail = nn.Conv2d(embed_dims, channels, 3, padding=1)
        self._reset()

    @staticmethod
    @abstractmethod
    def build_group(
        embed_dims: int, depth: int, num_heads: int, drop_path: list[float], **group_cfg
    ) -> nn.Module:
        """Makes one group, which takes and gives (B, embed_dims, H, W) of any H and W."""

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
            raise ValueError(
                f'ftt.{name} must be two entries, for content and texture, each a positive integer or '
                f'a list of them (one for each group), got {value!r}'
            )
        return groups

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
