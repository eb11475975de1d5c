"""Checks of annotations and images: one file for each kind of fault; errors name the file and remedy."""

from .annotation_file import open_annotations
from .areas import areas_said, mend_areas
from .boxes import check_box_form
from .classes import check_classes, class_names
from .file_names import forward_slashes
from .ids import ids_said
from .ignored import flags_as_numbers, is_ignored, regions_of_all_classes
from .images import check_images, decoding_problem
from .masks import check_masks
from .picture_files import check_picture_files

__all__ = [
    'areas_said',
    'check_box_form',
    'check_classes',
    'check_images',
    'check_masks',
    'check_picture_files',
    'class_names',
    'decoding_problem',
    'flags_as_numbers',
    'forward_slashes',
    'ids_said',
    'is_ignored',
    'mend_areas',
    'open_annotations',
    'regions_of_all_classes',
]
