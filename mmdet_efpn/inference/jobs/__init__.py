"""Predictions that end in files: their shares, their journal, their end."""

from .job import DEFAULT_FORMATS, Job, Summary, predict_to_folder
from .shares import device_of, end_shares, start_shares

__all__ = [
    'DEFAULT_FORMATS',
    'Job',
    'Summary',
    'device_of',
    'end_shares',
    'predict_to_folder',
    'start_shares',
]
