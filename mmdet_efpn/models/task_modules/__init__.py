"""Anchors, box coders and similarities of boxes that MMDetection's registry builds from configs."""

from .detectron_anchor_generator import DetectronAnchorGenerator
from .detectron_bbox_coder import DetectronBBoxCoder
from .normalized_wasserstein import NormalizedWasserstein2D
from .torchvision_anchor_generator import TorchvisionAnchorGenerator

__all__ = [
    'DetectronAnchorGenerator',
    'DetectronBBoxCoder',
    'NormalizedWasserstein2D',
    'TorchvisionAnchorGenerator',
]
