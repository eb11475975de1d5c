"""What a neck's extension is made from."""

from typing import NamedTuple

from torch import Tensor


class Pyramid(NamedTuple):
    """A pyramid without its extended level, and the two features that the extension makes that from.

    Attributes:
        levels (tuple[Tensor, ...]): P2, P3, ...: (B, C, H_i, W_i), finest first, from stride 4 on.
        p2 (Tensor): What the FTT reads at stride 4: P2 itself or, on laterals, inner2.
        p3 (Tensor): What the FTT reads at stride 8: P3 or inner3.
    """

    levels: tuple[Tensor, ...]
    p2: Tensor
    p3: Tensor
