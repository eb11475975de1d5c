"""Extended feature pyramid networks for small objects, as an MMDetection 3.x extension."""

from .utils import compatibility

compatibility.check()

from . import checkpoints, datasets, engine, models  # noqa: E402
from .extend import extend_config  # noqa: E402

__version__ = '0.1.0'

__all__ = [
    '__version__',
    'checkpoints',
    'compatibility',
    'datasets',
    'engine',
    'extend_config',
    'models',
]
