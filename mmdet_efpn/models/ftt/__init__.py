from .base_ftt import BaseFTT
from .ftt import FTT
from .hat_ftt import HATFTT, HATPretrained
from .light_ftt import LightFTT
from .pointwise_ftt import PointwiseFTT
from .swin_ftt import SwinFTT

__all__ = ['BaseFTT', 'FTT', 'HATFTT', 'HATPretrained', 'LightFTT', 'PointwiseFTT', 'SwinFTT']
