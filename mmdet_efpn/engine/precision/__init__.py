"""Types and layouts that a run computes in: mixed precision, TF32, channels-last maps."""

from .bfloat16 import BFloat16OptimWrapper, keep_boxes_in_float32
from .layout import UseChannelsLast
from .operators import computes_in_bfloat16, readable_inputs
from .options import use_channels_last, use_mixed_precision, use_tf32

__all__ = [
    'BFloat16OptimWrapper',
    'UseChannelsLast',
    'computes_in_bfloat16',
    'keep_boxes_in_float32',
    'readable_inputs',
    'use_channels_last',
    'use_mixed_precision',
    'use_tf32',
]
