"""What a training set is to a detector before training: sizes, positives, numbers, and what to do."""

from .advice import Advice, Facts
from .annotations import SCALE, config_for_annotations
from .findings import Findings, inspect_config
from .report import html_page, text_report
from .rules import recommend

__all__ = [
    'SCALE',
    'Advice',
    'Facts',
    'Findings',
    'config_for_annotations',
    'html_page',
    'inspect_config',
    'recommend',
    'text_report',
]
