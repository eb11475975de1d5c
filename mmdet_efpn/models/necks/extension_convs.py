"""The convs of a ``PyramidExtension``, before and after its sum."""

from mmcv.cnn import ConvModule, DepthwiseSeparableConvModule
from timm.layers import LayerScale2d
from torch import nn

from ..utils.arguments import check_positive_number


def lateral_conv(c2_prime_channels: int, channels: int, bias: bool, conv_args: dict) -> ConvModule:
    """The 1x1 conv that brings C2' to the sum's width."""
    return ConvModule(c2_prime_channels, channels, 1, **dict(conv_args, bias=bias))


def narrowing_conv(out_channels: int, channels: int, conv_args: dict) -> ConvModule | None:
    """The 1x1 conv that brings P3' to the sum's width, where that is another one than its own."""
    return None if channels == out_channels else ConvModule(out_channels, channels, 1, **conv_args)


def p3_prime_scale(channels: int, start: float | None) -> LayerScale2d | None:
    """The learnt factor of each channel of P3'; a ``UserError`` for a start that is not positive."""
    if start is None:
        return None
    check_positive_number('neck.extension_cfg', 'p3_prime_scale', start)
    return LayerScale2d(channels, init_values=start)


def conv_after_sum(
    channels: int, out_channels: int, separable: bool, wanted: bool, conv_cfg: dict | None, args: dict
) -> nn.Module | None:
    """What makes P2' of the sum: a depthwise 3x3 and a 1x1 conv, one 3x3 conv, or nothing."""
    if separable:
        return DepthwiseSeparableConvModule(channels, out_channels, 3, conv_cfg=None, **args)
    return ConvModule(channels, out_channels, 3, conv_cfg=conv_cfg, **args) if wanted else None
