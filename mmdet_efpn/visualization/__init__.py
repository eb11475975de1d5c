"""Pictures of annotations, detections and training curves."""

from .annotations import annotation_grid, dataset_from_annotations, dataset_from_config
from .curves import draw_curves, smoothed
from .detections import DrawnPicture, draw_on_dataset, draw_on_images, find_images
from .detectors import build_test_set, classes_of_test_set, load_detector
from .drawing import FONT, draw_boxes, palette_of
from .image_files import read_rgb, write_png
from .layout import BACKGROUND, evenly_spread, grid, legend, magnified_crops, titled
from .times import draw_times

__all__ = [
    'BACKGROUND',
    'FONT',
    'DrawnPicture',
    'annotation_grid',
    'build_test_set',
    'classes_of_test_set',
    'dataset_from_annotations',
    'dataset_from_config',
    'draw_boxes',
    'draw_curves',
    'draw_on_dataset',
    'draw_on_images',
    'draw_times',
    'evenly_spread',
    'find_images',
    'grid',
    'legend',
    'load_detector',
    'magnified_crops',
    'palette_of',
    'read_rgb',
    'smoothed',
    'titled',
    'write_png',
]
