"""Huge pictures: windows of them, tiles in batches, objects merged at the seams."""

from .merging import MERGERS, Found, merge_tiles
from .scenes import Scenes
from .tiles import Tiles
from .windows import Scene, geo_reference, open_scene

__all__ = [
    'MERGERS',
    'Found',
    'Scene',
    'Scenes',
    'Tiles',
    'geo_reference',
    'merge_tiles',
    'open_scene',
]
