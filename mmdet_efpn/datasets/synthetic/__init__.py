"""Paints synthetic road scenes with small signs."""

from .scene import paint_scene

__all__ = ['paint_scene']
