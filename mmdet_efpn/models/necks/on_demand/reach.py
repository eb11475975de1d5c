"""Which layers of a module compute something, and which of them see neighbours alone."""

from collections.abc import Iterator

from mmcv.ops import SAConv2d
from torch import nn


def computing_layers(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The module's parts, by name, that have weights of their own or no parts.

    What is left out only holds other layers. A deformable conv, which has weights and a conv that makes
    its offsets, is one of them, and so is that conv.
    """
    for name, layer in module.named_modules():
        if not list(layer.children()) or list(layer.parameters(recurse=False)):
            yield name, layer


def is_plain_conv(layer: nn.Module) -> bool:
    """Whether a layer is a conv that reads no further than its kernel.

    SAC is a subclass of the plain conv that reads means over the whole map.
    """
    return isinstance(layer, nn.Conv2d) and not isinstance(layer, SAConv2d)
