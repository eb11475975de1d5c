"""Extended feature pyramid networks for small objects, as an MMDetection 3.x extension."""
from . import compatibility

compatibility.check()

from . import datasets, models  # noqa: E402
from .plugin import extend_config  # noqa: E402

__version__ = '0.1.0'

__all__ = ['__version__', 'compatibility', 'datasets', 'extend_config', 'models']
