"""Cuts big pictures into tiles for training, with the boxes that lie in each.

The places of the tiles are those of SAHI's ``get_slice_bboxes`` (a test compares them). The rest is
our own: SAHI drops a box that a cut leaves too small, so that training takes it for background, rounds
corners to whole pixels, knows no ``ignore``, and brings in OpenCV with a window system, shapely and
matplotlib for a grid of a few lines.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from PIL import Image, ImageOps

from ...utils.errors import UserError
from ...utils.grid import tile_starts
from .coco_writer import CocoWriter
from .picture import Box
from .picture_file import large_pictures_allowed

LOSSY = ('.jpg', '.jpeg')


@dataclass(frozen=True)
class Tiling:
    """How pictures are cut.

    Args:
        size: Width and height of a tile in pixels; smaller only where the picture is.
        overlap: Share of a tile that its neighbour shows too.
        min_share: A box of which a tile shows a smaller share is ignored there.

    Raises:
        UserError: A value is out of its range.
    """

    size: int
    overlap: float = 0.2
    min_share: float = 0.3

    def __post_init__(self) -> None:
        if self.size < 1:
            raise UserError(f'tile must be a number of pixels from 1, got {self.size}')
        if not 0 <= self.overlap < 1:
            raise UserError(f'overlap must be from 0 to under 1, got {self.overlap}')
        if not 0 <= self.min_share <= 1:
            raise UserError(f'min_share must be from 0 to 1, got {self.min_share}')

    def windows(self, width: int, height: int) -> list[tuple[int, int, int, int]]:
        """x1, y1, x2, y2 of each tile of a picture, row by row.

        The last tile of a row or column is moved back into the picture.

        >>> Tiling(800, 0.2).windows(1000, 600)
        [(0, 0, 800, 600), (200, 0, 1000, 600)]
        """
        return [
            (x, y, min(x + self.size, width), min(y + self.size, height))
            for y in self._starts(height)
            for x in self._starts(width)
        ]

    def _starts(self, length: int) -> list[int]:
        return tile_starts(length, self.size, self.size - int(self.overlap * self.size))


class Tile(NamedTuple):
    """A part of a picture that becomes a picture of its own."""

    name: str
    file_name: str
    window: tuple[int, int, int, int]


class TileNames:
    """Gives each tile a name that no other has: ``FOLDER/STEM__X_Y.SUFFIX``."""

    def __init__(self) -> None:
        self._owner: dict[str, str] = {}

    def name(self, file_name: str, x: int, y: int) -> str:
        """The name of the tile of a picture that begins at x, y."""
        path = PurePosixPath(file_name)
        suffix = path.suffix if path.suffix.lower() in LOSSY else '.png'
        name = str(path.with_name(f'{path.stem}__{x}_{y}{suffix}'))
        if self._owner.setdefault(name, file_name) != file_name:  # a.png beside a.bmp
            name = str(path.with_name(f'{path.stem}_{path.suffix[1:]}__{x}_{y}{suffix}'))
            self._owner[name] = file_name
        return name


def cut_boxes(
    boxes: Iterable[Box], window: Sequence[int], min_share: float, writer: CocoWriter
) -> list[Box]:
    """The boxes of a picture in one of its tiles, counted from the tile's corner.

    What a cut leaves of a box is clipped to the tile. Below ``min_share`` of the box's area it is
    marked to be ignored; without any area it is left out, for another tile has it.
    """
    left, top, right, bottom = window
    kept = []
    for box in boxes:
        x1, y1, x2, y2 = box.corners
        inside = max(x1, left), max(y1, top), min(x2, right), min(y2, bottom)
        width, height = inside[2] - inside[0], inside[3] - inside[1]
        if width <= 0 or height <= 0:
            continue
        corners = inside[0] - left, inside[1] - top, inside[2] - left, inside[3] - top
        share = width * height / ((x2 - x1) * (y2 - y1))
        whole = inside == (x1, y1, x2, y2)
        ignore = box.ignore or (share < min_share and not box.crowd)
        if not whole and not box.ignore:
            writer.counts['cut_ignored' if ignore else 'cut'] += 1
        kept.append(box._replace(corners=corners, ignore=ignore, area=box.area if whole else None))
    return kept


def write_tiles(tiles: Sequence[Tile], root: Path, target: Path) -> None:
    """Write the picture files of tiles, turned as EXIF says.

    A JPEG's tiles are JPEGs of quality 95 with full colour resolution, all others PNG.
    """
    for file_name, group in _by_picture(tiles):
        with large_pictures_allowed(), Image.open(root / file_name) as opened:
            image = ImageOps.exif_transpose(opened)
            for tile in group:
                path = target / tile.name
                path.parent.mkdir(parents=True, exist_ok=True)
                lossy = path.suffix.lower() in LOSSY
                image.crop(tile.window).save(
                    path, **(dict(quality=95, subsampling=0, format='JPEG') if lossy else {})
                )


def _by_picture(tiles: Sequence[Tile]) -> Iterator[tuple[str, list[Tile]]]:
    groups: dict[str, dict[str, Tile]] = {}
    for tile in tiles:  # the same tile may be in two splits
        groups.setdefault(tile.file_name, {})[tile.name] = tile
    for file_name, group in groups.items():
        yield file_name, list(group.values())


def tile_map(tiles: Sequence[Tile], tiling: Tiling | None) -> dict:
    """What ``tiles.json`` holds: how the pictures were cut, and where each tile comes from."""
    content = {}
    if tiling:
        content = dict(tile=tiling.size, overlap=tiling.overlap, min_share=tiling.min_share)
    places = {
        tile.name: dict(
            file_name=tile.file_name,
            x=tile.window[0],
            y=tile.window[1],
            width=tile.window[2] - tile.window[0],
            height=tile.window[3] - tile.window[1],
        )
        for tile in tiles
    }
    return dict(content, tiles=places)
