"""P2' made only where RoIs read it: on tiles, or on the RoIs themselves."""

from .deferred_level import DEFAULT_TILE, DeferredLevel, check_tile
from .deferred_map import DeferredMap
from .level_for_rois import whole_map
from .reach import computing_layers, is_plain_conv
from .roi_level import RoILevel

__all__ = [
    'DEFAULT_TILE',
    'DeferredLevel',
    'DeferredMap',
    'RoILevel',
    'check_tile',
    'computing_layers',
    'is_plain_conv',
    'whole_map',
]
