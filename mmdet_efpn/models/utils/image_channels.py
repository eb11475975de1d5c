"""How many channels the images of a backbone have."""

from collections.abc import Mapping
from typing import Any

from mmdet.registry import MODELS

from ...utils.known_names import argument_default

NAMES = ('in_channels', 'in_chans')  # of MMDetection's and mmpretrain's backbones; of timm's, ViTDet's
RGB = 3


def image_channels(backbone: Mapping[str, Any]) -> int:
    """Channels of the images that a backbone takes: as its config says, or else its class's default.

    Where it wraps another backbone (``backbone=dict(...)``), that one tells.

    Args:
        backbone (Mapping): A backbone's config.

    Returns:
        int: 3 where neither config nor class names a number.

    Example:
        >>> image_channels(dict(type='ResNet', depth=18, in_channels=4))
        4
        >>> image_channels(dict(type='HighResolutionTap', backbone=dict(type='CSPDarknet')))
        3
    """
    for name in NAMES:
        if isinstance(backbone.get(name), int):
            return backbone[name]
    inner = backbone.get('backbone')
    if isinstance(inner, Mapping) and 'type' in inner:
        return image_channels(inner)
    kind = backbone['type']
    cls = MODELS.get(kind) if isinstance(kind, str) else kind
    defaults = (argument_default(cls, name) for name in NAMES) if isinstance(cls, type) else ()
    return next((value for value in defaults if isinstance(value, int)), RGB)
