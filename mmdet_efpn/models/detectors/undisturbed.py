"""Passes through a network that leave its running statistics alone."""

from collections.abc import Sequence
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


@contextmanager
def undisturbed(*modules: nn.Module, but: Sequence[nn.Module] = (), by_batch: bool = False):
    """Holds modules, ``but`` for some and their children, in evaluation mode while the context lasts.

    With ``by_batch`` batch norms in training mode, those of ``but`` too, go on normalising by their
    batch, but keep their running statistics as they are.
    """
    kept = {module for part in but for module in part.modules()}
    training = [m for module in modules for m in module.modules() if m.training]
    norms = [m for m in training if by_batch and isinstance(m, _BatchNorm) and m.track_running_stats]
    switched = [m for m in training if m not in kept and not (by_batch and isinstance(m, _BatchNorm))]
    for norm in norms:
        norm.track_running_stats = False
    for module in switched:
        module.training = False
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True
        for module in switched:
            module.training = True
