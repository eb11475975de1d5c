"""The FTT module of the EFPN authors' released model."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from mmdet.registry import MODELS
from torch import Tensor

from ...utils.known_names import known_arguments_only
from ..utils.arguments import check_positive_integer
from .base import BaseFTT

LEAKY_SLOPE = 0.1


class ResidualBlock(nn.Module):
    """``relu(x + conv3x3(relu(conv3x3(x))))``; keeps the shape (B, C, H, W).

    Args:
        channels (int): Width C of input and output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Gives (B, C, H, W) of a map (B, C, H, W)."""
        return F.relu(x + self.conv2(F.relu(self.conv1(x))))


def conv_leaky_relu(in_channels: int, out_channels: int) -> nn.Sequential:
    """A biased 3x3 conv and a leaky ReLU of slope 0.1; keeps the map's size."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, padding=1), nn.LeakyReLU(LEAKY_SLOPE, inplace=True)
    )


@MODELS.register_module()
@known_arguments_only
class FTT(BaseFTT):
    """Convolutional feature texture transfer, as in the released EFPN model.

    With h hidden channels: the content extractor works at stride 8 on P3, a sub-pixel conv carries it
    to stride 4, the texture extractor takes what P2 adds, and a tail brings the sum back to the
    pyramid's width, where nearest-neighbour upsampled P3 is added. Every conv is 3x3 with a bias.

    Its price grows with the square of h: backbone and neck of a ResNet-50 at 800x1344 cost 501, 768 and
    1749 G multiply-adds with h = 128, 256 and 512; a plain FPN costs 148 G, and 594 G on the image at
    twice the size.

    Args:
        channels (int): Width of P2, P3 and P3'.
        hidden_channels (int): Width h inside the module. Default 512, the released model's.
        init_cfg (dict | list[dict], optional): mmengine's initialisation config.

    Source: arXiv:2003.07021, section 3.2 and figure 3.

    Example:
        >>> import torch
        >>> ftt = FTT(channels=16, hidden_channels=8)
        >>> ftt(torch.rand(1, 16, 25, 42), torch.rand(1, 16, 13, 21)).shape
        torch.Size([1, 16, 25, 42])
    """

    # four 3x3 convs at stride 8, seven at stride 4, and one cell for where a cell lies in its parent
    halo = 2 * 4 + 7 + 1

    def __init__(self, channels: int, hidden_channels: int = 512, init_cfg=None) -> None:
        super().__init__(channels, init_cfg=init_cfg)
        check_positive_integer('ftt', 'hidden_channels', hidden_channels)
        self.content_conv = conv_leaky_relu(channels, hidden_channels)
        self.content_block = ResidualBlock(hidden_channels)
        self.upsample = nn.Sequential(
            nn.Conv2d(hidden_channels, 4 * hidden_channels, 3, padding=1),
            nn.PixelShuffle(2),
            nn.LeakyReLU(LEAKY_SLOPE, inplace=True),
        )
        self.texture = nn.Sequential(
            conv_leaky_relu(channels + hidden_channels, hidden_channels),
            ResidualBlock(hidden_channels),
            ResidualBlock(hidden_channels),
        )
        self.tail = nn.Sequential(
            conv_leaky_relu(hidden_channels, hidden_channels),
            nn.Conv2d(hidden_channels, channels, 3, padding=1),
        )

    def transfer(self, p2: Tensor, p3: Tensor) -> Tensor:
        """Gives P3', (B, C, H/4, W/4): content of P3, texture of P2, and P3 upsampled."""
        content = self.content_conv(p3)  # B, h, H/8, W/8
        content = self.upsample(content + self.content_block(content))
        content = self.crop(content, p2)  # B, h, H/4, W/4
        texture = self.texture(torch.cat((p2, content), dim=1))  # B, h, H/4, W/4
        upsampled_p3 = F.interpolate(p3, size=p2.shape[2:], mode='nearest')
        return self.tail(texture + content) + upsampled_p3
