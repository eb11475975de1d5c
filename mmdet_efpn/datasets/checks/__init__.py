"""Checks of annotations and images: one file for each kind of fault; errors name the file and remedy."""

from .annotation_file import open_annotations
from .classes import check_classes
from .images import check_images, decoding_problem

__all__ = ['check_classes', 'check_images', 'decoding_problem', 'open_annotations']
