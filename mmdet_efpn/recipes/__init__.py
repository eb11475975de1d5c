"""Training in several stages."""

from .launch import Launch
from .recipe import run_recipe
from .stages import Stage, load_stages
from .table import table

__all__ = ['Launch', 'Stage', 'load_stages', 'run_recipe', 'table']
