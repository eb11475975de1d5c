"""How a picture is cut into tiles."""

from dataclasses import dataclass

from ...utils.errors import UserError
from ...utils.grid import tile_starts
from ...utils.optional_packages import import_optional
from .merging import MERGERS

Window = tuple[int, int, int, int]


@dataclass(frozen=True)
class Tiles:
    """How pictures are cut for a prediction, and put together again.

    Args:
        size: Width and height of a tile in pixels; smaller only where the picture is.
        overlap: Pixels that neighbours share. An object up to this wide and high is whole in one tile;
            larger ones are put together from their parts.
        merge: ``'nms'``: parts of one object are joined, then NMS; ``'sahi'``: SAHI's greedy
            non-maximum merging, by the package ``sahi``.
        threshold: Overlap from which two boxes are one object: IoU in NMS, the intersection over the
            smaller box in SAHI's merging.

    Raises:
        UserError: A value is out of its range, or SAHI is not installed.
    """

    size: int = 1024
    overlap: int = 128
    merge: str = 'nms'
    threshold: float = 0.5

    def __post_init__(self) -> None:
        if self.size < 1:
            raise UserError(f'a tile must have 1 pixel or more, got {self.size}')
        if not 0 <= self.overlap < self.size:
            raise UserError(
                f'the overlap of tiles must be from 0 to under their side {self.size}, got '
                f'{self.overlap}'
            )
        if self.merge not in MERGERS:
            raise UserError(f'merge must be one of {", ".join(MERGERS)}, got {self.merge}')
        if self.merge == 'sahi':
            import_optional('sahi.postprocess.combine', 'infer', "merge='sahi'")  # before work is done
        if not 0 < self.threshold <= 1:
            raise UserError(f'the threshold must be over 0, and 1 at most, got {self.threshold}')

    def windows(self, width: int, height: int) -> list[Window]:
        """``x1, y1, x2, y2`` of each tile of a picture, row by row.

        The last tile of a row or column is moved back into the picture.

        >>> Tiles(800, 160).windows(1000, 600)
        [(0, 0, 800, 600), (200, 0, 1000, 600)]
        """
        step = self.size - self.overlap
        return [
            (x, y, min(x + self.size, width), min(y + self.size, height))
            for y in tile_starts(height, self.size, step)
            for x in tile_starts(width, self.size, step)
        ]
