"""The built-in data set: synthetic road scenes with small signs."""

from .dataset import make_synthetic_signs
from .scene import paint_scene

__all__ = ['make_synthetic_signs', 'paint_scene']
