"""Extended feature pyramid networks for small objects, as an MMDetection 3.x extension."""

import importlib

from .utils.command_line import is_command_line

__version__ = '0.2.0'

__all__ = ['Predictor', '__version__', 'extend_config', 'register_all_modules']

_ROOMS = ('checkpoints', 'datasets', 'engine', 'evaluation', 'extend', 'models')


def register_all_modules() -> None:
    """Registers every module of the package with MMDetection; importing the package does the same.

    Raises:
        ImportError: torch, mmcv, mmengine or mmdet is missing or of a version that does not work.
    """
    from .utils import compatibility

    compatibility.check()
    for room in _ROOMS:
        importlib.import_module(f'.{room}', __name__)


def __getattr__(name: str):
    if name == 'extend_config':
        from .extend import extend_config

        return extend_config
    if name == 'Predictor':
        from .inference import Predictor

        return Predictor
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')


# The command line registers once it has read its arguments: torch takes seconds to import, and
# --help must not wait for it.
if not is_command_line():
    register_all_modules()
