"""Converters of data sets to COCO format: one reader a format."""

from .coco_writer import CocoWriter
from .deeppcb import convert_deeppcb
from .report import BadFiles
from .tt100k import convert_tt100k

__all__ = ['BadFiles', 'CocoWriter', 'convert_deeppcb', 'convert_tt100k']
