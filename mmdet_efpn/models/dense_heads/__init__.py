"""Dense heads over an extended pyramid."""

from .extended_rpn_head import ExtendedRPNHead
from .plain_levels_head import PlainLevelsHead

__all__ = ['ExtendedRPNHead', 'PlainLevelsHead']
