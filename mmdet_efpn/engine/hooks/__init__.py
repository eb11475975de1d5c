"""What a run does beside MMEngine's own steps."""

from .clean_checkpoint import CleanCheckpoint
from .count_detections import CountDetections
from .count_rois import ROI_SHARE, CountRoIs
from .evaluate_when_done import EvaluateWhenDone
from .mend_annotations import MendAnnotations
from .note_command import KEY as TRAINING_COMMAND
from .note_command import NoteCommand
from .tell_training_data import TellTrainingData
from .validation_pictures import ValidationPictures

__all__ = [
    'ROI_SHARE',
    'TRAINING_COMMAND',
    'CleanCheckpoint',
    'CountDetections',
    'CountRoIs',
    'EvaluateWhenDone',
    'MendAnnotations',
    'NoteCommand',
    'TellTrainingData',
    'ValidationPictures',
]
