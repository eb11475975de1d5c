"""Weights from elsewhere; importing this room registers their initialisers."""

from .extend_weights import align_weights, extend_weights
from .fitting import require_checkpoint, require_fitting_weights
from .hat import HATPretrained

__all__ = [
    'HATPretrained',
    'align_weights',
    'extend_weights',
    'require_checkpoint',
    'require_fitting_weights',
]
