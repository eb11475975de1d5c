"""How other programs call their weights: one table a source, and one function that applies it."""

from .apply import Renaming, apply_key_map, recognise
from .cascaded import CASCADED
from .key_map import KeyMap, Rule, To, rule
from .released import RELEASED

# In this order a file is recognised: the first source whose signature fits.
KEY_MAPS: tuple[KeyMap, ...] = (RELEASED, CASCADED)

__all__ = ['KEY_MAPS', 'KeyMap', 'Renaming', 'Rule', 'To', 'apply_key_map', 'recognise', 'rule']
