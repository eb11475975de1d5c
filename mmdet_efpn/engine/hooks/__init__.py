"""What a run does beside MMEngine's own steps."""

from .clean_checkpoint import CleanCheckpoint
from .count_detections import CountDetections
from .evaluate_when_done import EvaluateWhenDone
from .mend_annotations import MendAnnotations
from .note_command import NoteCommand
from .tell_training_data import TellTrainingData

__all__ = [
    'CleanCheckpoint',
    'CountDetections',
    'EvaluateWhenDone',
    'MendAnnotations',
    'NoteCommand',
    'TellTrainingData',
]
