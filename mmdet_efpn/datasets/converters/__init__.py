"""Converters of data sets to COCO format: one reader a format, one writer and one report for all."""

from .coco_writer import CocoWriter
from .convert import READERS, ConvertOptions, convert
from .field.deeppcb import convert_deeppcb
from .field.tt100k import convert_tt100k
from .picture import ReadOptions
from .recognise import recognise
from .report import Report
from .tiles import Tiling

__all__ = [
    'READERS',
    'CocoWriter',
    'ConvertOptions',
    'ReadOptions',
    'Report',
    'Tiling',
    'convert',
    'convert_deeppcb',
    'convert_tt100k',
    'recognise',
]
