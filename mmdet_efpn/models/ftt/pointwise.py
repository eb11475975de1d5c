"""The FTT module made of 1x1 convs alone, after the detectron2 implementation of EFPN."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from mmdet.registry import MODELS
from torch import Tensor

from ...utils.known_names import known_arguments_only
from .base import BaseFTT


class SharedPointwisePair(nn.Module):
    """Two 1x1 convs without bias, ReLU after each, applied in turn several times over.

    Args:
        channels (int): Width of input and output.
        rounds (int): How often the pair is applied, with the same weights each time.
    """

    def __init__(self, channels: int, rounds: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 1, bias=False)
        self.conv2 = nn.Conv2d(channels, channels, 1, bias=False)
        self.rounds = rounds

    def forward(self, x: Tensor) -> Tensor:
        """Gives (B, C, H, W) of a map (B, C, H, W)."""
        for _ in range(self.rounds):
            x = F.relu(self.conv2(F.relu(self.conv1(x))))
        return x


@MODELS.register_module()
@known_arguments_only
class PointwiseFTT(BaseFTT):
    """Feature texture transfer of 1x1 convs, the form of the detectron2 implementation.

    With C channels: P3 goes to 4C, through three rounds of one shared pair of 1x1 convs, and by pixel
    shuffle to stride 4 and C channels; beside P2 it goes through three rounds of another shared pair of
    width 2C and down to C, and the upsampled content is added. No conv has a bias. Here the convs are
    parameters: they are trained, saved and loaded.

    Args:
        channels (int): Width C of P2, P3 and P3'.
        init_cfg (dict | list[dict], optional): mmengine's initialisation config.

    Source: arXiv:2003.07021, section 3.2, with 1x1 convs in place of its extractors.

    Example:
        >>> import torch
        >>> ftt = PointwiseFTT(channels=16)
        >>> ftt(torch.rand(1, 16, 26, 42), torch.rand(1, 16, 13, 21)).shape
        torch.Size([1, 16, 26, 42])
    """

    rounds = 3
    halo = 1  # the other cells of the same parent at stride 8

    def __init__(self, channels: int, init_cfg=None) -> None:
        super().__init__(channels, init_cfg=init_cfg)
        self.content_conv = nn.Conv2d(channels, 4 * channels, 1, bias=False)
        self.content = SharedPointwisePair(4 * channels, self.rounds)
        self.upsample = nn.PixelShuffle(2)
        self.texture = SharedPointwisePair(2 * channels, self.rounds)
        self.texture_conv = nn.Conv2d(2 * channels, channels, 1, bias=False)

    def transfer(self, p2: Tensor, p3: Tensor) -> Tensor:
        """Gives P3', (B, C, H/4, W/4): texture of P2 and upsampled content of P3."""
        content = self.upsample(self.content(self.content_conv(p3)))
        content = self.crop(content, p2)  # B, C, H/4, W/4
        texture = self.texture(torch.cat((p2, content), dim=1))  # B, 2C, H/4, W/4
        return F.relu(self.texture_conv(texture)) + content
