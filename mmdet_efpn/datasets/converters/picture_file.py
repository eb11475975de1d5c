"""A picture's file: its name, its size, and how EXIF turns it."""

import contextlib
import posixpath
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from ...utils.errors import UserError

ORIENTATION = 0x0112  # EXIF 2.3, section 4.6.4
IMAGE_WIDTH, IMAGE_LENGTH = 256, 257  # tags of TIFF 6.0
TURNED_BY_OPENCV = ('JPEG', 'MPO', 'PNG', 'TIFF')
LARGEST_DECODED = 2 * 89_478_485  # pixels; beyond, Pillow refuses to decode, as a bomb


class Frame(NamedTuple):
    """Size of a picture file, in pixels.

    Attributes:
        width: As it is stored.
        height: As it is stored.
        orientation: EXIF's, from 1 (as stored) to 8.
        turned_on_loading: Whether MMDetection's loader turns the picture as EXIF says.
    """

    width: int
    height: int
    orientation: int = 1
    turned_on_loading: bool = True

    @property
    def shown(self) -> tuple[int, int]:
        """Width and height after turning, as MMDetection's loader reads the picture."""
        swapped = self.orientation >= 5
        return (self.height, self.width) if swapped else (self.width, self.height)

    def turn(self, corners: Sequence[float]) -> tuple[float, float, float, float]:
        """A box of the stored picture in the picture as it is shown.

        >>> Frame(40, 30, 6).turn((0, 0, 10, 5))  # turned clockwise: the left edge goes up
        (25, 0, 30, 10)
        """
        width, height, orientation, _ = self
        x1, y1, x2, y2 = corners
        if orientation in (2, 3, 7, 8):
            x1, x2 = width - x2, width - x1
        if orientation in (3, 4, 6, 7):
            y1, y2 = height - y2, height - y1
        return (y1, x1, y2, x2) if orientation >= 5 else (x1, y1, x2, y2)


def frame_of(path: str | Path, decode: bool = True) -> Frame:
    """Size and orientation of a picture file.

    Args:
        path: The file.
        decode: Decode all of it, so that a truncated file is noticed; otherwise read only its
            header. Pictures over 179 million pixels are never decoded here.

    Raises:
        FileNotFoundError: There is no such file.
        UserError: The file is no picture or is damaged.
    """
    try:
        with large_pictures_allowed(), Image.open(path) as image:
            width, height = image.size
            if image.format == 'TIFF':  # newer Pillow has turned its size already
                width, height = image.tag_v2[IMAGE_WIDTH], image.tag_v2[IMAGE_LENGTH]
            orientation = image.getexif().get(ORIENTATION, 1)
            turns = image.format in TURNED_BY_OPENCV
            if decode and width * height <= LARGEST_DECODED:
                image.load()
    except FileNotFoundError:
        raise
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(f'{path} cannot be decoded as an image: {error}') from error
    orientation = orientation if orientation in range(1, 9) else 1
    return Frame(width, height, orientation, turns or orientation == 1)


@contextlib.contextmanager
def large_pictures_allowed() -> Iterator[None]:
    """Lifts Pillow's limit of pixels: scenes from the air have more."""
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def name_inside(name: str, root: str | Path, folder: str = '') -> str:
    r"""A file's name relative to ``root``, with ``/``.

    Args:
        name: The name as the labels have it, relative to ``folder``; ``\`` separates too.
        root: The data set's folder. A full path into it is taken.
        folder: A folder relative to ``root``.

    Raises:
        UserError: The name leads out of ``root``.

    >>> name_inside('../images/a.jpg', '/data', 'labels')
    'images/a.jpg'
    """
    given, name = name, name.strip().replace('\\', '/')
    root_text = Path(root).absolute().as_posix().rstrip('/')
    if name.startswith(root_text + '/'):
        name, folder = name[len(root_text) + 1 :], ''
    inside = posixpath.normpath(posixpath.join(folder, name))
    outside = inside == '..' or inside.startswith(('/', '../')) or re.match(r'[A-Za-z]:/', name)
    if outside or not name or '\0' in name:
        raise UserError(
            f'{given!r} leads out of the folder {root}: '
            'correct the name in the labels, or give the folder that holds everything as SOURCE'
        )
    return inside
