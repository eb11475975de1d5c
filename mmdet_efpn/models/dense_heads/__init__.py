"""Dense heads over an extended pyramid."""

from .extended_rpn_head import ExtendedRPNHead

__all__ = ['ExtendedRPNHead']
