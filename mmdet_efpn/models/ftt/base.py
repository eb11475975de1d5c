"""The contract of every feature texture transfer (FTT) module: ``(p2, p3) -> p3'``."""

import math
from abc import ABCMeta, abstractmethod
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor

from ...utils.errors import UserError
from ..utils.arguments import check_positive_integer


class BaseFTT(BaseModule, metaclass=ABCMeta):
    """Super-resolves a stride-8 map with the texture of a stride-4 map.

    A subclass implements :meth:`transfer`; the base class checks the two maps first. An upsampling by
    exactly 2 is one row or column larger than a P2 of odd size: :meth:`crop` cuts it. A subclass that
    can make a narrower P3' at a smaller price than P3' itself implements :meth:`transfer_narrowed` too.

    Attributes:
        halo (int, optional): How many cells of P2 around a cell of P3' that cell depends on, those of P3
            below them included. ``None``: it is not known, or all of them.

    Args:
        channels (int): Width of both input maps and of the output (the pyramid's ``out_channels``;
            a neck fills it in).
        init_cfg (dict | list[dict], optional): mmengine's initialisation config.

    Source: EFPN, "Extended Feature Pyramid Network for Small Object Detection"
    (Deng et al., arXiv:2003.07021), section 3.2.
    """

    halo: int | None = None

    def __init__(self, channels: int, init_cfg=None) -> None:
        super().__init__(init_cfg=init_cfg)
        check_positive_integer('ftt', 'channels', channels)
        self.channels = channels

    @abstractmethod
    def transfer(self, p2: Tensor, p3: Tensor) -> Tensor:
        """Makes P3' in P2's shape from checked maps; see :meth:`forward` for the shapes."""

    def transfer_narrowed(self, p2: Tensor, p3: Tensor, weight: Tensor) -> Tensor:
        """Makes the 1x1 conv of P3' from checked maps; see :meth:`narrowed`."""
        return F.conv2d(self.transfer(p2, p3), weight)

    @staticmethod
    def crop(upsampled: Tensor, p2: Tensor) -> Tensor:
        """Cuts a map upsampled by 2 to P2's height and width, keeping its top left."""
        cut = upsampled[..., : p2.shape[-2], : p2.shape[-1]]
        if torch.compiler.is_compiling():
            # Torch 2.12 cannot keep a view of changing size for the backward pass: no number changes.
            return cut.clamp(min=-math.inf)
        return cut

    def forward(self, p2: Tensor, p3: Tensor) -> Tensor:
        """Gives P3', P3 super-resolved to P2's shape.

        Args:
            p2 (Tensor): (B, C, H, W), stride 4, any H and W.
            p3 (Tensor): (B, C, ceil(H / 2), ceil(W / 2)), stride 8.

        Returns:
            Tensor: (B, C, H, W), stride 4.

        Raises:
            UserError: a width other than ``channels``, sizes that are not one octave apart, or a
                subclass whose ``transfer`` gives another shape than P2's.
        """
        self._check_maps(p2, p3)
        p3_prime = self.transfer(p2, p3)
        self._check_result('transfer', p3_prime, p2.shape)
        return p3_prime

    def narrowed(self, p2: Tensor, p3: Tensor, weight: Tensor) -> Tensor:
        """Gives a 1x1 conv of P3', without P3' where the module can do so.

        Args:
            p2 (Tensor): (B, C, H, W), as in :meth:`forward`.
            p3 (Tensor): (B, C, ceil(H / 2), ceil(W / 2)).
            weight (Tensor): (c, C, 1, 1), of a conv without bias.

        Returns:
            Tensor: (B, c, H, W), ``F.conv2d(self(p2, p3), weight)``.

        Raises:
            UserError: As :meth:`forward`.
        """
        self._check_maps(p2, p3)
        result = self.transfer_narrowed(p2, p3, weight)
        self._check_result('transfer_narrowed', result, (p2.shape[0], len(weight), *p2.shape[2:]))
        return result

    def _check_maps(self, p2: Tensor, p3: Tensor) -> None:
        if p2.shape[1] != self.channels or p3.shape[1] != self.channels:
            raise UserError(
                f'{type(self).__name__} was built for maps of {self.channels} channels, got '
                f'{p2.shape[1]} (p2) and {p3.shape[1]} (p3); neck.out_channels sets this width'
            )
        half = tuple((side + 1) // 2 for side in p2.shape[2:])
        if tuple(p3.shape[2:]) != half:
            raise UserError(
                f'{type(self).__name__} needs p3 of half the size of p2, that is {half} for a p2 of '
                f'{tuple(p2.shape[2:])}, got {tuple(p3.shape[2:])}; is p2 the stride-4 level and p3 '
                'the stride-8 level?'
            )

    def _check_result(self, method: str, result: Tensor, shape: Sequence[int]) -> None:
        if tuple(result.shape) != tuple(shape):
            raise UserError(
                f"{type(self).__name__}.{method} gave {tuple(result.shape)}, but P3' must have p2's "
                f'height and width, and so {tuple(shape)}'
            )
