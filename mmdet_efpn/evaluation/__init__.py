"""What a detector is worth, and what it costs; importing this room registers its metric."""

from . import cost, paired_bootstrap
from .presets import PRESETS, Preset, preset_of
from .small_object_metric import SmallObjectMetric

__all__ = [
    'PRESETS',
    'Preset',
    'SmallObjectMetric',
    'cost',
    'paired_bootstrap',
    'preset_of',
]
