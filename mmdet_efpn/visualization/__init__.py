"""Pictures of annotations and detections."""

from .annotations import annotation_grid
from .drawing import draw_boxes, grid, magnified_crops

__all__ = ['annotation_grid', 'draw_boxes', 'grid', 'magnified_crops']
