"""Checks of annotations and images: one file for each kind of fault; errors name the file and remedy."""

from .annotation_file import open_annotations
from .areas import areas_said, mend_areas
from .boxes import check_box_form
from .classes import check_class_names, check_classes
from .file_names import forward_slashes
from .images import check_images, decoding_problem
from .masks import check_masks
from .picture_files import check_picture_files

__all__ = [
    'areas_said',
    'check_box_form',
    'check_class_names',
    'check_classes',
    'check_images',
    'check_masks',
    'check_picture_files',
    'decoding_problem',
    'forward_slashes',
    'mend_areas',
    'open_annotations',
]
