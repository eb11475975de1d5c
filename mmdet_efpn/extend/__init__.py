"""Any MMDetection config to the same detector with EFPN."""

from .check import Trial, build_detector, is_not_of_size, made_batch, try_detector
from .config import extend_config, extend_with_report
from .config_text import write_extended_config
from .neck import light_extension
from .probe import argument, probe_backbone
from .report import CannotExtendError, Report

__all__ = [
    'CannotExtendError',
    'Report',
    'Trial',
    'argument',
    'build_detector',
    'extend_config',
    'extend_with_report',
    'is_not_of_size',
    'light_extension',
    'made_batch',
    'probe_backbone',
    'try_detector',
    'write_extended_config',
]
