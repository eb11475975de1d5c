"""Any MMDetection config to the same detector with EFPN."""

from .config import extend_config, extend_with_report
from .config_text import write_extended_config
from .neck import light_extension
from .probe import argument, probe_backbone
from .report import CannotExtendError, Report

__all__ = [
    'CannotExtendError',
    'Report',
    'argument',
    'extend_config',
    'extend_with_report',
    'light_extension',
    'probe_backbone',
    'write_extended_config',
]
