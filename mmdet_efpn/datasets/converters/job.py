"""Brings a reading's pictures and boxes together with the picture files, and fills the writers."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...utils.errors import UserError
from .coco_writer import CocoWriter
from .picture import Box, Picture, Reading
from .picture_file import Frame, frame_of, name_inside
from .tiles import Tile, TileNames, cut_boxes


class Job:
    """One conversion on its way.

    Args:
        options (ConvertOptions): How.

    Attributes:
        writers: The writer of each split.
        tiles: The tiles that are to be cut.
    """

    def __init__(self, options) -> None:
        self.options = options
        self.writers: dict[str, CocoWriter] = {}
        self.notes: list[tuple] = []
        self.tiles: list[Tile] = []
        self._names = TileNames()
        self._frames: dict[str, Frame] = {}

    def note(self, split: str, cause: str, where: str | Path = '', detail: str = '') -> None:
        """Keep what the reader left out; it goes to the report of its split."""
        self.notes.append((split, cause, where, detail))

    def run(self, reading: Reading) -> None:
        """Take all pictures of a reading."""
        pictures = list(reading.pictures)
        if self.options.shares:
            first = next(iter(self.options.shares))
            splits = list(self.options.shares)
            self.notes = [(first, *rest) for _, *rest in self.notes]
            pictures = split_by_share(pictures, self.options.shares, self.options.seed)
        else:
            found = [picture.split for picture in pictures] + [note[0] for note in self.notes]
            splits = list(dict.fromkeys([*(self.options.read.splits or ()), *found]))
        if not splits:
            raise UserError(f'{reading.root} has no picture with labels')
        self.writers = {split: CocoWriter(reading.classes, reading.regions) for split in splits}
        for split, *rest in self.notes:
            self.writers[split].report.note(*rest)
        seen = set()
        for picture in pictures:
            key = picture.split, picture.file_name, picture.window
            if key in seen:
                self.writers[picture.split].report.note('duplicate image', picture.file_name)
                continue
            seen.add(key)
            self._add(picture, reading.root)

    def _add(self, picture: Picture, root: Path) -> None:
        writer = self.writers[picture.split]
        file_name = name_inside(picture.file_name, root)
        path = root / file_name
        try:
            if file_name not in self._frames:
                self._frames[file_name] = frame_of(path, self.options.decode)
        except FileNotFoundError:
            writer.report.note('missing image', path)
            return
        except UserError as error:
            writer.report.note('corrupt image', path, str(error))
            return
        boxes = self._placed(picture, self._frames[file_name], writer)
        if boxes is None:
            return
        size = self._frames[file_name].shown
        if picture.window:
            if self.options.tiling:
                raise UserError('the labels are about tiles already: convert without --tile')
            x1, y1, x2, y2 = picture.window
            if not (0 <= x1 < x2 <= size[0] and 0 <= y1 < y2 <= size[1]):
                writer.report.note('tile outside image', file_name, f'corner {picture.window}')
                return
            self._add_window(writer, file_name, picture.window, boxes)
        elif self.options.tiling:
            self._cut(writer, file_name, size, boxes)
        else:
            writer.add_image(file_name, *size, boxes)

    def _placed(self, picture: Picture, frame: Frame, writer: CocoWriter) -> list[Box] | None:
        """The boxes in pixels of the picture as it is shown; None where nobody can tell."""
        where, boxes = picture.file_name, picture.boxes
        said = picture.label_size
        if not frame.turned_on_loading:
            writer.report.note(
                'EXIF orientation not applied on loading', where, 'OpenCV does not turn this format'
            )
            return None
        stored = (frame.width, frame.height)
        turned_labels = self._refers_to_stored(picture, frame)
        if turned_labels is None:
            writer.report.note(
                'EXIF orientation unclear',
                where,
                f'orientation {frame.orientation}; --exif shown or stored says what boxes refer to',
            )
            return None
        if said and not picture.window and said not in (stored, frame.shown):
            text = f'labels: {said[0]}x{said[1]}, file: {frame.shown[0]}x{frame.shown[1]}'
            writer.report.note('size differs from label', where, text)
        width, height = stored if turned_labels else frame.shown
        if picture.relative:
            boxes = [box._replace(corners=_pixels(box.corners, width, height)) for box in boxes]
        if turned_labels and boxes:
            writer.report.note('turned by EXIF', where, f'orientation {frame.orientation}')
            boxes = [box._replace(corners=frame.turn(box.corners)) for box in boxes]
        return boxes

    def _refers_to_stored(self, picture: Picture, frame: Frame) -> bool | None:
        if frame.orientation == 1 or picture.shown or not picture.boxes:
            return False
        stored, shown, said = (frame.width, frame.height), frame.shown, picture.label_size
        if stored != shown and said in (stored, shown) and not picture.window:
            return said == stored
        return {'shown': False, 'stored': True, None: None}[self.options.exif]

    def _cut(self, writer: CocoWriter, file_name: str, size: tuple, boxes: Sequence[Box]) -> None:
        boxes = writer.checked(file_name, *size, boxes)
        for window in self.options.tiling.windows(*size):
            inside = cut_boxes(boxes, window, self.options.tiling.min_share, writer)
            self._add_window(writer, file_name, window, inside)

    def _add_window(self, writer: CocoWriter, file_name: str, window: tuple, boxes: list[Box]) -> None:
        x1, y1, x2, y2 = window
        tile = Tile(self._names.name(file_name, x1, y1), file_name, window)
        self.tiles.append(tile)
        writer.add_image(tile.name, x2 - x1, y2 - y1, boxes)


def split_by_share(pictures: Sequence[Picture], shares: Mapping[str, float], seed: int) -> list[Picture]:
    """Give pictures new splits by share; tiles of one picture stay together.

    The same names, shares and seed give the same splits, in whatever order the pictures come.

    Raises:
        UserError: The shares don't add up to 1 or less, or one is not positive.
    """
    if not all(share > 0 for share in shares.values()) or sum(shares.values()) > 1 + 1e-9:
        raise UserError(f'shares must be over 0 and add up to at most 1, got {dict(shares)}')
    names = sorted({picture.file_name for picture in pictures})
    random.Random(seed).shuffle(names)
    split_of, start, total = {}, 0, 0.0
    for split, share in shares.items():
        total += share
        end = round(total * len(names))
        split_of.update(dict.fromkeys(names[start:end], split))
        start = end
    chosen = [picture for picture in pictures if picture.file_name in split_of]
    for picture in chosen:
        picture.split = split_of[picture.file_name]
    return chosen


def _pixels(shares: Sequence[float], width: int, height: int) -> tuple[float, ...]:
    """Corners in pixels, rounded to a hundredth: labels with six decimals say no more."""
    x1, y1, x2, y2 = shares
    return tuple(round(value, 2) for value in (x1 * width, y1 * height, x2 * width, y2 * height))
