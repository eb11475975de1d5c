"""What a detector costs: parameters, multiply-adds, time and memory."""

from .comparison import compare, progress, table, traffic_table
from .dense_steps import DenseSteps, build_on_meta, cost_of, kept_bytes
from .measure import (
    AMP_TYPES,
    PASSES,
    autocast,
    count_macs,
    count_parameters,
    peak_memory,
    precision,
    prepare,
    timed,
)
from .profile import STRIDES, Spot, by_module, modules_table, spots_table
from .subject import PARTS, BackboneNeckSteps, Subject, parse_subject, random_samples
from .traffic import Traffic, traffic_of

__all__ = [
    'AMP_TYPES',
    'PARTS',
    'PASSES',
    'STRIDES',
    'BackboneNeckSteps',
    'DenseSteps',
    'Spot',
    'Subject',
    'Traffic',
    'autocast',
    'build_on_meta',
    'by_module',
    'compare',
    'cost_of',
    'count_macs',
    'count_parameters',
    'kept_bytes',
    'modules_table',
    'parse_subject',
    'peak_memory',
    'precision',
    'prepare',
    'progress',
    'random_samples',
    'spots_table',
    'table',
    'timed',
    'traffic_of',
    'traffic_table',
]
