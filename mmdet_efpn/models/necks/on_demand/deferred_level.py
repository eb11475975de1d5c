"""Level P2' computed where RoIs read it."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ....utils.errors import UserError
from .deferred_map import DeferredMap
from .level_for_rois import LevelForRoIs
from .tiles import TileGrid, Window, cut, paste, window_cells

STRIDE = 2
ALIGN = 2  # cells of a map that lie under one of the next coarser
BATCH = 16  # windows that are computed at once
DEFAULT_TILE = 64


def check_tile(tile: int) -> int:
    """The side of a tile; a ``UserError`` if it would cut through a cell of P3'."""
    if not isinstance(tile, int) or tile < ALIGN or tile % ALIGN:
        raise UserError(f'neck.sparse_tile must be an even number of cells, got {tile!r}')
    return tile


class DeferredLevel(LevelForRoIs):
    """Level P2' of a batch of images, computed only on the tiles that RoIs touch.

    It stands in a pyramid in the place of the map P2' and tells its shape; it has no values until
    :meth:`around` or :meth:`dense` makes them. Where tiles with what their convolutions read around
    them would be as large as the map, the whole map is computed; so is P3' where the FTT's reach is not
    known (attention).

    Args:
        extension (nn.Module): The neck's ``PyramidExtension``.
        c2_prime (DeferredMap): C2', (B, C', H, W), stride 2.
        p2 (Tensor): What the FTT reads at stride 4.
        p3 (Tensor): What the FTT reads at stride 8.
        tile (int): Side of a tile in cells of P2', even. Tiles of P3' have twice this side in
            pixels, because the FTT reads far around a cell.

    Attributes:
        shape (torch.Size): (B, C, H, W) of P2'.
        stride (int): 2, in pixels.
    """

    stride = STRIDE
    reason = 'is deferred'
    remedy = 'neck.sparse=False and backbone.defer_c2_prime=False'

    def __init__(
        self, extension: nn.Module, c2_prime: DeferredMap, p2: Tensor, p3: Tensor, tile: int
    ) -> None:
        self.extension, self.c2_prime, self.p2, self.p3, self.tile = extension, c2_prime, p2, p3, tile
        self.shape = torch.Size((len(p2), extension.out_channels, *c2_prime.shape[2:]))
        self._addend = None

    @property
    def made(self) -> Tensor:
        """What the FTT reads at stride 4."""
        return self.p2

    def dense(self) -> Tensor:
        """The whole of P2', (B, C, H, W)."""
        return self.extension.fuse(self.c2_prime.dense(), self._dense_addend())

    def around(self, rois: Tensor) -> Tensor:
        """P2' with its values wherever RoIs are pooled from it, and zeros elsewhere.

        Args:
            rois (Tensor): (n, 5), index of the image and x1, y1, x2, y2 in pixels.

        Returns:
            Tensor: (B, C, H, W).
        """
        halo = self.extension.halo
        if halo is None:
            return self.dense()
        grid = TileGrid(self.shape[2:], self.tile, self.c2_prime.halo + halo, ALIGN)
        # bilinear samples of a box read at most two cells beyond it, whatever RoIAlign's offset
        corners = rois[:, 1:].float().view(-1, 2, 2) / self.stride
        low, high = corners.amin(1) - 2, corners.amax(1) + 2
        touched = grid.touched(torch.cat((low, high), dim=1), rois[:, 0], len(self.p2))
        windows = grid.windows(touched)
        if window_cells(windows) >= self.shape[0] * self.shape[2] * self.shape[3]:
            return self.dense()
        if not windows:
            return self.p2.new_zeros(self.shape)
        addend = self._addend_under(windows, halo)
        return self._assembled(
            windows,
            self.shape,
            lambda batch: self.extension.fuse(self.c2_prime.on(batch), cut(addend, batch, scale=2)),
        )

    @staticmethod
    def _assembled(
        windows: list[list[Window]], shape: Sequence[int], compute: Callable[[list[Window]], Tensor]
    ) -> Tensor:
        """A map of zeros with the tiles of some windows computed, a few windows at once."""
        assembled = None
        for group in windows:
            for i in range(0, len(group), BATCH):
                batch = group[i : i + BATCH]
                values = compute(batch)
                if assembled is None:
                    assembled = values.new_zeros(shape)
                paste(values, batch, assembled)
        return assembled

    def _dense_addend(self) -> Tensor:
        if self._addend is None:
            self._addend = self.extension.addend(self.p2, self.p3)
        return self._addend

    def _addend_under(self, windows: list[list[Window]], halo: int) -> Tensor:
        """The sum's addend under tiles of P2' and ``halo`` cells around them, and zeros elsewhere."""
        ftt, flat = self.extension.ftt, [window for group in windows for window in group]
        if self._addend is not None or ftt.halo is None:
            return self._dense_addend()
        grid = TileGrid(self.p2.shape[2:], self.tile, ftt.halo, ALIGN)
        areas = torch.tensor(
            [
                [
                    side // 2
                    for side in (
                        columns.start - halo,
                        rows.start - halo,
                        columns.stop - 1 + halo,
                        rows.stop - 1 + halo,
                    )
                ]
                for _, rows, columns in flat
            ],
            device=self.p2.device,
        )
        images = torch.tensor([window.image for window in flat], device=self.p2.device)
        own_windows = grid.windows(grid.touched(areas, images, len(self.p2)))
        if window_cells(own_windows) >= self.p2[:, 0].numel():
            return self._dense_addend()
        return self._assembled(
            own_windows,
            (len(self.p2), self.extension.channels, *self.p2.shape[2:]),
            lambda batch: self.extension.addend(cut(self.p2, batch), cut(self.p3, batch, scale=2)),
        )
