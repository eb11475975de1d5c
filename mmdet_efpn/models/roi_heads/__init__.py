"""RoI heads over an extended pyramid."""

from .extended_roi_head import ExtendedRoIHead

__all__ = ['ExtendedRoIHead']
