"""Any MMDetection config to the same detector with EFPN."""

from .config import extend_config, extend_with_report
from .report import CannotExtendError, Report

__all__ = ['CannotExtendError', 'Report', 'extend_config', 'extend_with_report']
