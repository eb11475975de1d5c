from .deferred_level import DEFAULT_TILE, DeferredLevel, check_tile
from .deferred_map import DeferredMap
from .reach import computing_layers

__all__ = ['DEFAULT_TILE', 'DeferredLevel', 'DeferredMap', 'check_tile', 'computing_layers']
