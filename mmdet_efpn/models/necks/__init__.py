from .efpn import EFPN
from .extended_neck import ExtendedNeck
from .extension import Pyramid, PyramidExtension

__all__ = ['EFPN', 'ExtendedNeck', 'Pyramid', 'PyramidExtension']
