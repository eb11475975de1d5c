"""Layers of window and channel attention; they know nothing of MMDetection's detectors."""

from .channel_attention import CAB
from .hybrid_attention import HAB, RHAG
from .overlapping_attention import OCAB
from .patch_merging import PatchMerging
from .swin_group import SwinGroup
from .window_attention import WindowAttention

__all__ = ['CAB', 'HAB', 'OCAB', 'RHAG', 'PatchMerging', 'SwinGroup', 'WindowAttention']
