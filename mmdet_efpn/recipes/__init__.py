"""Training in several stages."""

from .launch import Launch
from .recipe import run_recipe
from .stages import Stage, claim, load_stages
from .table import METRICS, table

__all__ = ['METRICS', 'Launch', 'Stage', 'claim', 'load_stages', 'run_recipe', 'table']
