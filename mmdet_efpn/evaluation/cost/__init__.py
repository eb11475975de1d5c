"""What a detector costs: parameters, multiply-adds, time and memory."""

from .comparison import compare, progress, table
from .dense_steps import DenseSteps, build_on_meta, cost_of, kept_bytes
from .measure import (
    PASSES,
    autocast,
    count_macs,
    count_parameters,
    peak_memory,
    precision,
    prepare,
    timed,
)
from .subject import PARTS, BackboneNeckSteps, Subject, parse_subject, random_samples
from .traffic import AMP_TYPES, Traffic, traffic_of

__all__ = [
    'AMP_TYPES',
    'PARTS',
    'PASSES',
    'BackboneNeckSteps',
    'DenseSteps',
    'Subject',
    'Traffic',
    'autocast',
    'build_on_meta',
    'compare',
    'cost_of',
    'count_macs',
    'count_parameters',
    'kept_bytes',
    'parse_subject',
    'peak_memory',
    'precision',
    'prepare',
    'progress',
    'random_samples',
    'table',
    'timed',
    'traffic_of',
]
