from .efpn import EFPN
from .pyramid_extension import PyramidExtension

__all__ = ['EFPN', 'PyramidExtension']
