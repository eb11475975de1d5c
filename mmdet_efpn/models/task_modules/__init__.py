"""Anchors and box coders that MMDetection's registry builds from configs."""

from .detectron_anchor_generator import DetectronAnchorGenerator
from .detectron_bbox_coder import DetectronBBoxCoder
from .torchvision_anchor_generator import TorchvisionAnchorGenerator

__all__ = ['DetectronAnchorGenerator', 'DetectronBBoxCoder', 'TorchvisionAnchorGenerator']
