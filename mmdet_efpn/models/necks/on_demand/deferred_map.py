"""A feature map that is not computed yet: its source, and what makes it from that."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from .tiles import Window, cut


class DeferredMap:
    """A map that a function of small reach makes from another of the same size, where it is asked for.

    Args:
        source (Tensor): (B, C, H, W).
        function (Callable): Makes (B, ``channels``, H, W) from (B, C, H, W), for any H and W.
        channels (int): Width of the map.
        halo (int): How many cells around a cell of the map ``function`` reads in ``source``.

    Attributes:
        shape (torch.Size): (B, channels, H, W).
    """

    def __init__(
        self, source: Tensor, function: Callable[[Tensor], Tensor], channels: int, halo: int
    ) -> None:
        self.source, self.function, self.halo = source, function, halo
        self.shape = torch.Size((len(source), channels, *source.shape[2:]))

    @classmethod
    def of(cls, feature: Tensor) -> 'DeferredMap':
        """A map that is there already, (B, C, H, W)."""
        return cls(feature, lambda source: source, feature.shape[1], halo=0)

    def dense(self) -> Tensor:
        """The whole map, (B, channels, H, W)."""
        return self.function(self.source)

    def on(self, windows: Sequence[Window]) -> Tensor:
        """The map in windows of one size, (number of windows, channels, h, w).

        In a window's outer ``halo`` cells that are not the map's own border, the values are wrong.
        """
        return self.function(cut(self.source, windows))
