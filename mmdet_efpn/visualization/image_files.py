"""Image files as arrays, and back; images are (h, w, 3) uint8 RGB."""

from pathlib import Path

import cv2
import numpy as np

from ..utils.atomic_file import whole_or_not
from ..utils.errors import MissingFileError, UserError


def read_rgb(path: str | Path) -> np.ndarray:
    """An image file as (h, w, 3) uint8 RGB.

    Raises:
        MissingFileError: There is no such file.
        UserError: It can't be decoded as an image.
    """
    if not Path(path).is_file():
        raise MissingFileError(f'image {path} is missing')
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise UserError(f'{path} cannot be decoded as an image')
    return image[..., ::-1]


def write_png(picture: np.ndarray, path: str | Path) -> None:
    """Writes a picture as PNG, or in the format of its suffix, whole or not at all.

    Raises:
        OSError: It could not be written.
    """
    with whole_or_not(path) as temporary:
        if not cv2.imwrite(str(temporary), np.ascontiguousarray(picture[..., ::-1])):
            raise OSError(f'{path} could not be written')
