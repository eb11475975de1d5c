"""Pages about what was trained."""

from .curves import Curve, curves_of
from .page import RunReport, report_on_run
from .run_files import RunFiles, read_run

__all__ = ['Curve', 'RunFiles', 'RunReport', 'curves_of', 'read_run', 'report_on_run']
