from .extended_rpn_head import ExtendedRPNHead

__all__ = ['ExtendedRPNHead']
