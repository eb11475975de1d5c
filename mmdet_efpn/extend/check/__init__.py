"""Proof that an extended detector trains and predicts, before anybody is told so."""

from .proof import prove
from .sample import BOXES, made_batch
from .trial import Trial, build_detector, is_not_of_size, try_detector

__all__ = ['BOXES', 'Trial', 'build_detector', 'is_not_of_size', 'made_batch', 'prove', 'try_detector']
