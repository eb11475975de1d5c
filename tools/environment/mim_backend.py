"""Build backend: setuptools', plus the ``.mim`` folder (see mim_folder.py)."""

import shutil
from pathlib import Path

from mim_folder import PACKAGE, add_mim
from setuptools import build_meta
from setuptools.build_meta import *  # noqa: F403


def clean_checkout():
    """Removes what setuptools leaves in the checkout.

    Beside the package, the egg-info would pass for an installed distribution without ``.mim``; and
    the next wheel would take modules from build/lib that are deleted by then.
    """
    for left in (f'{PACKAGE}.egg-info', 'build/lib'):
        shutil.rmtree(Path(left), ignore_errors=True)


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    """As in PEP 517, with ``.mim`` in the wheel."""
    clean_checkout()
    name = build_meta.build_wheel(wheel_directory, config_settings, metadata_directory)
    add_mim(Path(wheel_directory) / name, editable=False)
    clean_checkout()
    return name


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    """As in PEP 660, with pointers to the checkout's configs and tools in the wheel."""
    name = build_meta.build_editable(wheel_directory, config_settings, metadata_directory)
    add_mim(Path(wheel_directory) / name, editable=True)
    clean_checkout()
    return name
