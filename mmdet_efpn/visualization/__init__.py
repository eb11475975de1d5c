"""Pictures of annotations and detections."""

from .annotation_grid import annotation_grid
from .drawing import draw_boxes, grid, magnified_crops

__all__ = ['annotation_grid', 'draw_boxes', 'grid', 'magnified_crops']
