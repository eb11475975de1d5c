from .deferred_level import DEFAULT_TILE, DeferredLevel, check_tile
from .deferred_map import DeferredMap
from .level_for_rois import whole_map
from .reach import computing_layers
from .roi_level import RoILevel

__all__ = [
    'DEFAULT_TILE', 'DeferredLevel', 'DeferredMap', 'RoILevel', 'check_tile', 'computing_layers',
    'whole_map'
]
