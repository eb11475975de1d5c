"""Any MMDetection config to the same detector with EFPN."""

from .check import (
    Trial,
    at_first_size,
    build_detector,
    made_batch,
    try_detector,
    unchanged_by_a_step,
)
from .config import extend_config, extend_with_report
from .config_text import write_extended_config
from .parts.neck import light_extension
from .plain import is_extended
from .probe import argument, probe_backbone
from .report import CannotExtendError, Report

__all__ = [
    'CannotExtendError',
    'Report',
    'Trial',
    'argument',
    'at_first_size',
    'build_detector',
    'extend_config',
    'extend_with_report',
    'is_extended',
    'light_extension',
    'made_batch',
    'probe_backbone',
    'try_detector',
    'unchanged_by_a_step',
    'write_extended_config',
]
