"""Build backend: setuptools', plus the ``.mim`` folder (see mim_folder.py)."""
from pathlib import Path

from mim_folder import add_mim
from setuptools import build_meta
from setuptools.build_meta import *  # noqa: F403


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    """As in PEP 517, with ``.mim`` in the wheel."""
    name = build_meta.build_wheel(wheel_directory, config_settings, metadata_directory)
    add_mim(Path(wheel_directory) / name, editable=False)
    return name


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    """As in PEP 660, with pointers to the checkout's configs and tools in the wheel."""
    name = build_meta.build_editable(wheel_directory, config_settings, metadata_directory)
    add_mim(Path(wheel_directory) / name, editable=True)
    return name
