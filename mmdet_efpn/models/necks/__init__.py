"""Feature pyramids with a level P2' at stride 2."""

from .efpn import EFPN
from .extended_neck import ExtendedNeck
from .extension import PyramidExtension
from .extension_options import EXTENSION_OPTIONS
from .pyramid import Pyramid

__all__ = ['EFPN', 'EXTENSION_OPTIONS', 'ExtendedNeck', 'Pyramid', 'PyramidExtension']
