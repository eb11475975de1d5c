"""Dense heads over an extended pyramid."""

from .extended_atss_vlfusion_head import ExtendedATSSVLFusionHead
from .extended_rpn_head import ExtendedRPNHead
from .plain_levels_head import PlainLevelsHead

__all__ = ['ExtendedATSSVLFusionHead', 'ExtendedRPNHead', 'PlainLevelsHead']
