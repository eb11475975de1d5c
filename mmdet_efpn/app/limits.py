"""What may be uploaded, and what an answer may say."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from ..utils.errors import UserError

# Pillow's name of a format, and the suffix by which the config's loader knows it
SUFFIXES = {
    'BMP': '.bmp',
    'JPEG': '.jpg',
    'MPO': '.jpg',
    'PNG': '.png',
    'PPM': '.ppm',
    'TIFF': '.tif',
    'WEBP': '.webp',
}
MEGABYTE = 1_000_000
_TAKEN = [name for name in SUFFIXES if name != 'MPO']  # JPEG's reader finds those
_PATH = re.compile(r'(?<![\w:/<])/(?:[^\s/\'",:;()<>]+/)+([^\s/\'",:;()<>]*)')


@dataclass(frozen=True)
class Limits:
    """The largest upload.

    Args:
        max_mb: Megabytes of a file (10^6 bytes).
        max_pixels: Pixels of a picture, width times height.

    Raises:
        UserError: A limit is not over 0.
    """

    max_mb: float = 64
    max_pixels: int = 64_000_000

    def __post_init__(self) -> None:
        if not self.max_mb > 0 or self.max_pixels < 1:
            raise UserError(
                f'max_mb and max_pixels must be over 0, got {self.max_mb} and {self.max_pixels}'
            )

    @property
    def max_bytes(self) -> int:
        """The largest file in bytes."""
        return int(self.max_mb * MEGABYTE)

    def check_bytes(self, name: str, amount: int) -> None:
        """Raises a :class:`UserError` for a file of more bytes than are allowed."""
        if amount > self.max_bytes:
            raise UserError(f'{name} is too large: at most {self.max_mb:g} MB are taken')

    def check_header(self, name: str, file: Path) -> str:
        """Reads a picture's header, decodes nothing, and gives the suffix of its format.

        Args:
            name: How messages call it.
            file: Where it is.

        Raises:
            UserError: It is no picture, or has more pixels than are allowed.
        """
        header = header_of(name, file)
        pixels = header.width * header.height
        if pixels > self.max_pixels:
            raise UserError(
                f'{name} has {header.width} x {header.height} = {pixels / 1e6:.1f} million pixels: at '
                f'most {self.max_pixels / 1e6:g} million are taken'
            )
        return header.suffix


class Header(NamedTuple):
    """Width and height in pixels as the file's header has them, and the suffix of its format."""

    width: int
    height: int
    suffix: str


def header_of(name: str, file: Path) -> Header:
    """A picture's header, by Pillow; no pixel is decoded.

    Raises:
        UserError: It is no picture of a format that is taken.
    """
    largest = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None  # the limit here is the caller's
    try:
        with Image.open(file, formats=_TAKEN) as image:
            return Header(*image.size, SUFFIXES[str(image.format)])
    except (OSError, SyntaxError, ValueError, OverflowError):
        raise UserError(
            f'{name} is no picture that can be read; BMP, JPEG, PNG, PPM, TIFF and WebP are taken'
        ) from None
    finally:
        Image.MAX_IMAGE_PIXELS = largest


def without_paths(text: str) -> str:
    """A message in which each absolute path is only its last part.

    >>> without_paths('/boards/monday/a.png cannot be decoded (see http://a.org/b/c)')
    'a.png cannot be decoded (see http://a.org/b/c)'
    """
    return _PATH.sub(r'\1', text)
