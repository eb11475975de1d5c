from .deferred_level import DEFAULT_TILE, DeferredLevel, check_tile
from .deferred_map import DeferredMap
from .level_for_rois import whole_map
from .reach import UNBOUNDED_CONVS, computing_layers
from .roi_level import RoILevel

__all__ = [
    'DEFAULT_TILE', 'DeferredLevel', 'DeferredMap', 'RoILevel', 'check_tile', 'computing_layers',
    'UNBOUNDED_CONVS', 'whole_map'
]
