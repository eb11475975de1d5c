"""Packages that only some users need: imported where they are used; a message says how to get them."""

import importlib
from types import ModuleType

from .errors import MissingPackageError


def import_optional(module: str, extra: str, purpose: str) -> ModuleType:
    """Imports a module of a package that an extra of this one installs.

    Args:
        module: The module, such as ``'sahi.predict'``.
        extra: The extra in ``setup.cfg`` that has its package.
        purpose: What needs it; the message begins with that.

    Raises:
        MissingPackageError: It is not installed, or does not import.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition('.')[0]
        raise MissingPackageError(
            f"{purpose} needs the package {package}: pip install 'mmdet-efpn[{extra}]', or "
            f'pip install {package} ({error})'
        ) from error
