from .efpn import EFPN
from .pyramid_extension import Pyramid, PyramidExtension

__all__ = ['EFPN', 'Pyramid', 'PyramidExtension']
