"""Feature texture transfer (FTT) modules: one variant a file, each ``(p2, p3) -> p3'``."""

from .base import BaseFTT
from .conv import FTT
from .hat import HATFTT
from .light import LightFTT
from .pointwise import PointwiseFTT
from .swin import SwinFTT

__all__ = ['FTT', 'HATFTT', 'BaseFTT', 'LightFTT', 'PointwiseFTT', 'SwinFTT']
