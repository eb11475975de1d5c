"""What is done to the numbers of weights: the first line of each docstring is what the report says."""

import torch
from torch import Tensor

# ---- of the authors' released models (released.py) ----

BATCH_NORM_EPSILON = 1e-5  # what torch and MMDetection add to a variance


def mean_of_affine(scale: Tensor) -> Tensor:
    """A frozen scale becomes a batch norm: its mean is 0."""
    return torch.zeros_like(scale)


def variance_of_affine(scale: Tensor) -> Tensor:
    """A frozen scale becomes a batch norm: its variance is 1 - epsilon, so that it divides by 1."""
    return torch.full_like(scale, 1 - BATCH_NORM_EPSILON)


def background_last(outputs: Tensor) -> Tensor:
    """The background's class output moves from the first place to the last."""
    return torch.cat((outputs[1:], outputs[:1]))


def without_background_box(outputs: Tensor) -> Tensor:
    """The background's four box outputs are dropped."""
    return outputs[4:]


def p2_before_content(weight: Tensor) -> Tensor:
    """The FTT's texture conv reads (P2, content) here: its input channels are swapped."""
    hidden = len(weight)  # (h, h + C, 3, 3): the content is as wide as the output
    return torch.cat((weight[:, hidden:], weight[:, :hidden]), dim=1)


# ---- end of the released models' ----
