"""A page in the browser: one picture, its objects, and which of them are from P2'."""

from .levels import FinestLevel, finest_level
from .limits import Limits, header_of, without_paths
from .server import make_app, serve
from .shelf import Picture, Shelf
from .viewer import Shown, above, viewer_html
from .workbench import Workbench

__all__ = [
    'FinestLevel',
    'Limits',
    'Picture',
    'Shelf',
    'Shown',
    'Workbench',
    'above',
    'finest_level',
    'header_of',
    'make_app',
    'serve',
    'viewer_html',
    'without_paths',
]
