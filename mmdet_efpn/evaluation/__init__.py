"""What a detector is worth, and what it costs."""

from . import cost, paired_bootstrap

__all__ = ['cost', 'paired_bootstrap']
