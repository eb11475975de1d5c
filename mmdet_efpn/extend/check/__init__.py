"""Proof that an extended detector trains and predicts, before anybody is told so."""

from .proof import prove
from .sample import BOXES, made_batch
from .trial import Trial, build_detector, try_detector

__all__ = ['BOXES', 'Trial', 'build_detector', 'made_batch', 'prove', 'try_detector']
