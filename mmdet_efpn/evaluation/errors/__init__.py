"""What kinds of errors a detector makes, by size; and pictures of the worst."""

from .kinds import IGNORED, KINDS, RIGHT, ImageErrors, errors_of_image
from .pictures import draw_worst, error_picture
from .report import ErrorReport, count_errors

__all__ = [
    'IGNORED',
    'KINDS',
    'RIGHT',
    'ErrorReport',
    'ImageErrors',
    'count_errors',
    'draw_worst',
    'error_picture',
    'errors_of_image',
]
