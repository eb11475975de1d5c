"""Files of predictions: one writer a format."""

from .base import FileWriter, Settings, Writer
from .coco import CocoWriter
from .formats import FORMATS, make_writers, refuse_existing_outputs

__all__ = [
    'FORMATS',
    'CocoWriter',
    'FileWriter',
    'Settings',
    'Writer',
    'make_writers',
    'refuse_existing_outputs',
]
