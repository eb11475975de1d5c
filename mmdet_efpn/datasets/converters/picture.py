"""What a reader hands over: pictures with boxes, before anything is checked."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

# note(split, cause, where, detail): counts something that a reader left out or changed
Note = Callable[..., None]
PICTURE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp')


class Box(NamedTuple):
    """One box.

    Attributes:
        name: Its class; None for a region that is ignored for all classes.
        corners: x1, y1, x2, y2: pixels, or shares of the size where the picture is ``relative``.
        ignore: Neither trains nor counts.
        crowd: A region of many objects, COCO's ``iscrowd``.
        area: In square pixels; None: that of the box.
    """

    name: str | None
    corners: Sequence[float]
    ignore: bool = False
    crowd: bool = False
    area: float | None = None


@dataclass
class Picture:
    """One picture and what its labels say.

    Attributes:
        split: The split it belongs to.
        file_name: Its file, relative to the reading's root, with ``/``.
        boxes: Its boxes.
        label_size: Width and height that the labels state, or None.
        relative: Whether corners are shares of width and height.
        shown: Whether the format's boxes always refer to the picture as it is shown, that is turned
            by its EXIF orientation.
        window: x1, y1, x2, y2 of the part that the labels are about; the boxes count from its corner.
    """

    split: str
    file_name: str
    boxes: list[Box] = field(default_factory=list)
    label_size: tuple[int, int] | None = None
    relative: bool = False
    shown: bool = False
    window: tuple[int, int, int, int] | None = None


@dataclass
class Reading:
    """What a data set consists of.

    Attributes:
        classes: Class names in the order of their numbers.
        pictures: All pictures.
        root: Folder that their names are relative to.
        regions: Whether the format has ignored regions that belong to no class.
    """

    classes: tuple[str, ...]
    pictures: Iterable[Picture]
    root: Path
    regions: bool = False


@dataclass
class ReadOptions:
    """What a user may tell a reader.

    Attributes:
        splits: Splits to read. Default: all that are there.
        annotation_files: Annotation files, relative to the source. Default: found by their names.
        classes: Class names and their order, for formats that have no list of them.
        one_based: Whether pixels count from 1 and the last one is part of the box.
    """

    splits: Sequence[str] | None = None
    annotation_files: Sequence[str] | None = None
    classes: Sequence[str] | None = None
    one_based: bool = False

    def wants(self, split: str) -> bool:
        """Whether a split is to be read."""
        return self.splits is None or split in self.splits
