"""Detectors that train in stages or by distillation."""

from .cross_resolution_distiller import CrossResolutionDistiller
from .partly_trained_detector import PartlyTrainedDetector

__all__ = ['CrossResolutionDistiller', 'PartlyTrainedDetector']
