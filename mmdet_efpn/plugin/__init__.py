"""The former name of :mod:`mmdet_efpn.extend`; it goes away in version 0.3."""

import warnings

from ..extend import CannotExtendError, Report, extend_config, extend_with_report

__all__ = ['CannotExtendError', 'Report', 'extend_config', 'extend_with_report']

warnings.warn(
    'mmdet_efpn.plugin is now mmdet_efpn.extend; the old name goes away in version 0.3',
    FutureWarning,
    stacklevel=2,
)
