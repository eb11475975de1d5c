from .base_ftt import BaseFTT
from .ftt import FTT
from .pointwise_ftt import PointwiseFTT

__all__ = ['BaseFTT', 'FTT', 'PointwiseFTT']
