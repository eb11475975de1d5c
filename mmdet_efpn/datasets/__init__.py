"""Data sets; importing this package registers them with MMDetection."""

from .checked_coco import CheckedCocoDataset
from .deeppcb import DeepPCBDataset
from .palette import distinct_colours
from .synthetic_signs import SyntheticSignsDataset
from .tt100k import TT100KDataset

__all__ = [
    'CheckedCocoDataset',
    'DeepPCBDataset',
    'SyntheticSignsDataset',
    'TT100KDataset',
    'distinct_colours',
]
