"""Backbones that give C2', a feature at stride 2, in front of their outputs."""

from .cascaded_resnext import CascadedResNeXt
from .extended_resnet import ExtendedResNet, ExtendedResNeXt
from .high_resolution_tap import HighResolutionTap
from .pyramid_backbone import PyramidBackbone
from .timm_backbone import TimmBackbone

__all__ = [
    'CascadedResNeXt',
    'ExtendedResNeXt',
    'ExtendedResNet',
    'HighResolutionTap',
    'PyramidBackbone',
    'TimmBackbone',
]
