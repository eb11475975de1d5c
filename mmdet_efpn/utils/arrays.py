"""Arrays of numbers as tensors."""

import numpy as np
import torch

_KINDS = ('float16', 'float32', 'float64', 'int8', 'int16', 'int32', 'int64', 'uint8', 'bool')


def as_tensor(array: np.ndarray) -> torch.Tensor | None:
    """A copy of an array of numbers, of either byte order; ``None``: torch has no such numbers."""
    if array.dtype.name not in _KINDS:
        return None
    return torch.from_numpy(np.array(array, dtype=array.dtype.newbyteorder('=')))
