"""The part that adds level P2' at stride 2 to a feature pyramid."""
from typing import NamedTuple

import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmdet.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor

from ..ftt import BaseFTT


class Pyramid(NamedTuple):
    """A pyramid without its extended level, and the two features that the extension makes that from.

    Attributes:
        levels (tuple[Tensor, ...]): P2, P3, ...: (B, C, H_i, W_i), finest first, from stride 4 on.
        p2 (Tensor): What the FTT reads at stride 4: P2 itself or, on laterals, inner2.
        p3 (Tensor): What the FTT reads at stride 8: P3 or inner3.
    """

    levels: tuple[Tensor, ...]
    p2: Tensor
    p3: Tensor


class PyramidExtension(BaseModule):
    """Makes P2' from C2', a stride-4 and a stride-8 pyramid feature.

    ``P3' = FTT(p2, p3)``, then ``P2' = conv3x3(conv1x1(C2') + nearest-upsampled P3')``. Neither conv
    has a bias, as in the authors' released model.

    Args:
        c2_prime_channels (int, optional): Width of C2', the stride-2 backbone feature. ``None``: there
            is no C2' and no P2'; the two convs are not built, and only P3' is made.
        out_channels (int): Width of the pyramid's levels.
        ftt (dict): Config of the FTT module; its ``channels`` are filled in.
        conv_cfg (dict, optional): Conv layer of the two convs. Default: plain conv.
        norm_cfg (dict, optional): Norm layer after the two convs. Default: none.
        act_cfg (dict, optional): Activation after the two convs. Default: none.
        no_norm_on_lateral (bool): Leave the norm out after the 1x1 conv. Default False.

    Raises:
        TypeError: ``ftt`` names a class that does not follow the FTT contract (``BaseFTT``).

    Source: arXiv:2003.07021, section 3.1, equation 1.
    """

    def __init__(self,
                 c2_prime_channels: int | None,
                 out_channels: int,
                 ftt: dict,
                 conv_cfg=None,
                 norm_cfg=None,
                 act_cfg=None,
                 no_norm_on_lateral: bool = False) -> None:
        super().__init__()
        self.ftt = MODELS.build(ftt, default_args=dict(channels=out_channels))
        if not isinstance(self.ftt, BaseFTT):
            raise TypeError(
                f'neck.ftt must build a subclass of mmdet_efpn.models.ftt.BaseFTT, but '
                f'{ftt["type"]!r} built a {type(self.ftt).__name__}')
        if self.ftt.channels != out_channels:
            raise ValueError(
                f'neck.ftt.channels is {self.ftt.channels}, but neck.out_channels is {out_channels}; '
                'leave channels out of the FTT config, the neck fills it in')
        self.lateral_conv = self.output_conv = None
        if c2_prime_channels is None:
            return
        self.lateral_conv = ConvModule(
            c2_prime_channels, out_channels, 1, bias=False, conv_cfg=conv_cfg,
            norm_cfg=None if no_norm_on_lateral else norm_cfg, act_cfg=act_cfg, inplace=False)
        self.output_conv = ConvModule(
            out_channels, out_channels, 3, padding=1, bias=False, conv_cfg=conv_cfg,
            norm_cfg=norm_cfg, act_cfg=act_cfg, inplace=False)

    def init_weights(self) -> None:
        """Leaves the two convs as the neck's ``init_cfg`` made them, like FPN's own convs.

        ``ConvModule`` would initialise itself once more, with another distribution.
        """
        self.ftt.init_weights()

    def forward(self, c2_prime: Tensor | None, p2: Tensor,
                p3: Tensor) -> tuple[Tensor | None, Tensor]:
        """Gives P2' and, for distillation, P3'.

        Args:
            c2_prime (Tensor, optional): (B, c2_prime_channels, 2H or 2H - 1, 2W or 2W - 1), stride 2;
                not read without ``c2_prime_channels``.
            p2 (Tensor): (B, out_channels, H, W), stride 4.
            p3 (Tensor): (B, out_channels, ceil(H / 2), ceil(W / 2)), stride 8.

        Returns:
            tuple[Tensor | None, Tensor]: P2' of C2''s size (``None`` without ``c2_prime_channels``) and
            P3' of P2's size, out_channels wide.
        """
        p3_prime = self.ftt(p2, p3)
        if self.lateral_conv is None:
            return None, p3_prime
        upsampled = F.interpolate(p3_prime, size=c2_prime.shape[2:], mode='nearest')
        return self.output_conv(self.lateral_conv(c2_prime) + upsampled), p3_prime
