"""P2' made only where RoIs read it: on tiles, on the RoIs themselves, or widened there."""

from .deferred_level import DEFAULT_TILE, DeferredLevel, check_tile
from .deferred_map import DeferredMap
from .level_for_rois import LevelForRoIs, whole_map
from .narrow_level import NarrowLevel
from .reach import computing_layers, is_plain_conv
from .roi_level import RoILevel

__all__ = [
    'DEFAULT_TILE',
    'DeferredLevel',
    'DeferredMap',
    'LevelForRoIs',
    'NarrowLevel',
    'RoILevel',
    'check_tile',
    'computing_layers',
    'is_plain_conv',
    'whole_map',
]
