"""What a run does beside MMEngine's own steps."""

from .clean_checkpoint import CleanCheckpoint
from .count_detections import CountDetections
from .evaluate_when_done import EvaluateWhenDone
from .honour_ignored import HonourIgnored

__all__ = ['CleanCheckpoint', 'CountDetections', 'EvaluateWhenDone', 'HonourIgnored']
