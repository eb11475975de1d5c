"""Runs: their options, their processes, mixed precision; importing this room registers its parts."""

from .cfg_options import apply_cfg_options, parse_cfg_options
from .checks import check_head_classes
from .evaluation_options import augment_test, draw_predictions
from .from_scratch import frozen_random_parts, train_from_scratch
from .hooks import ROI_SHARE, TRAINING_COMMAND, EvaluateWhenDone
from .launch import Place, join_by_gloo, read_place, start_processes, wrap_for_cpu
from .plain_names_constructor import PlainNamesConstructor
from .precision import (
    BFloat16OptimWrapper,
    keep_boxes_in_float32,
    readable_inputs,
    use_channels_last,
    use_mixed_precision,
    use_tf32,
)
from .run import evaluate, train
from .run_log import logged_entries
from .run_options import (
    load_run_config,
    require_annotations,
    scale_learning_rate,
    set_resume,
)
from .training_facts import TrainingFacts, training_facts
from .watching import watch_training

__all__ = [
    'ROI_SHARE',
    'TRAINING_COMMAND',
    'BFloat16OptimWrapper',
    'EvaluateWhenDone',
    'Place',
    'PlainNamesConstructor',
    'TrainingFacts',
    'apply_cfg_options',
    'augment_test',
    'check_head_classes',
    'draw_predictions',
    'evaluate',
    'frozen_random_parts',
    'join_by_gloo',
    'keep_boxes_in_float32',
    'load_run_config',
    'logged_entries',
    'parse_cfg_options',
    'read_place',
    'readable_inputs',
    'require_annotations',
    'scale_learning_rate',
    'set_resume',
    'start_processes',
    'train',
    'train_from_scratch',
    'training_facts',
    'use_channels_last',
    'use_mixed_precision',
    'use_tf32',
    'watch_training',
    'wrap_for_cpu',
]
