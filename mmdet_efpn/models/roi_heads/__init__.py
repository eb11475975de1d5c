"""RoI heads over an extended pyramid, and Detectron's own parts of one."""

from .detectron_bbox_head import DetectronBBoxHead
from .detectron_roi_extractor import DetectronRoIExtractor
from .extended_roi_head import ExtendedRoIHead

__all__ = ['DetectronBBoxHead', 'DetectronRoIExtractor', 'ExtendedRoIHead']
