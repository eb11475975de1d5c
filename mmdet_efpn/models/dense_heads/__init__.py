"""Dense heads over an extended pyramid."""

from .extended_atss_vlfusion_head import ExtendedATSSVLFusionHead
from .extended_rpn_head import ExtendedRPNHead

__all__ = ['ExtendedATSSVLFusionHead', 'ExtendedRPNHead']
