"""What a detector is worth, and what it costs; importing this room registers its metric."""

from . import cost, paired_bootstrap
from .annotated_set import AnnotatedSet, evaluate_predictions, read_annotated_set, read_predictions
from .coco_engine import BoxEvaluation
from .detection_numbers import DetectionNumbers, numbers_of_detections
from .figure_tables import shown
from .presets import PRESETS, preset_of
from .rules import Preset
from .small_object_metric import SmallObjectMetric
from .written_predictions import WrittenPredictions

__all__ = [
    'PRESETS',
    'AnnotatedSet',
    'BoxEvaluation',
    'DetectionNumbers',
    'Preset',
    'SmallObjectMetric',
    'WrittenPredictions',
    'cost',
    'evaluate_predictions',
    'numbers_of_detections',
    'paired_bootstrap',
    'preset_of',
    'read_annotated_set',
    'read_predictions',
    'shown',
]
