"""What keeps its type under autocast."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def own_precision(value: Tensor) -> AbstractContextManager:
    """A context in which operations keep the type of their inputs, whatever autocast runs outside.

    Args:
        value (Tensor): Tells the device. On the meta device there is no autocast.
    """
    device = value.device.type
    return nullcontext() if device == 'meta' else torch.autocast(device, enabled=False)
