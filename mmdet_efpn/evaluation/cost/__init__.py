"""What a detector costs: parameters, multiply-adds, time and memory."""

from .comparison import compare, progress, table
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

__all__ = [
    'PARTS',
    'PASSES',
    'BackboneNeckSteps',
    'Subject',
    'autocast',
    'compare',
    'count_macs',
    'count_parameters',
    'parse_subject',
    'peak_memory',
    'precision',
    'prepare',
    'progress',
    'random_samples',
    'table',
    'timed',
]
