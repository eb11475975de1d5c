"""How other programs call their weights: one table a source, and one function that applies it."""

from .apply import Renaming, apply_key_map, recognise
from .cascaded import CASCADED
from .detectron2 import DETECTRON2, DETECTRON2_RETINANET
from .efficientnet_lite import EFFICIENTNET_LITE0
from .key_map import KeyMap, Rule, To, rule
from .pixels import pixels_report
from .pointrend import POINTREND
from .released import RELEASED
from .torchvision import TORCHVISION

# In this order a file is recognised: the first source whose signature fits.
KEY_MAPS: tuple[KeyMap, ...] = (
    RELEASED,
    CASCADED,
    POINTREND,
    DETECTRON2_RETINANET,
    DETECTRON2,
    TORCHVISION,
    EFFICIENTNET_LITE0,
)

__all__ = [
    'KEY_MAPS',
    'KeyMap',
    'Renaming',
    'Rule',
    'To',
    'apply_key_map',
    'pixels_report',
    'recognise',
    'rule',
]
