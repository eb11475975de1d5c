"""Maps as mmcv's operators read them."""

import torch
from torch import Tensor


def readable(level: Tensor) -> Tensor:
    """A map in the layout and a type that mmcv's operators read: contiguous, and no bfloat16.

    Their kernels read a channels-last map as if it were contiguous, and none takes bfloat16.
    """
    dtype = torch.float32 if level.dtype is torch.bfloat16 else level.dtype
    return level.to(dtype, memory_format=torch.contiguous_format).contiguous()
