"""Proof that an extended detector trains and predicts, before anybody is told so."""

from .proof import prove
from .sample import BOXES, made_batch
from .trial import Trial, at_first_size, build_detector, try_detector, unchanged_by_a_step

__all__ = [
    'BOXES',
    'Trial',
    'at_first_size',
    'build_detector',
    'made_batch',
    'prove',
    'try_detector',
    'unchanged_by_a_step',
]
