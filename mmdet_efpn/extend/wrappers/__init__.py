"""Models around a detector, and teachers beside it."""

from .inside import extend_inside, inner_detectors
from .teachers import check_teacher

__all__ = ['check_teacher', 'extend_inside', 'inner_detectors']
