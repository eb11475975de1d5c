"""Are the image files there, and whole?"""

import os
from collections.abc import Sequence

from PIL import Image

from ...utils.errors import MissingFileError, UserError


def check_images(paths: Sequence[str], decode: bool = False, shown: int = 5) -> None:
    """Check that the image files exist and, with ``decode``, that they are whole.

    Raises:
        MissingFileError: Files are missing; names the first few.
        UserError: Files are damaged; names the first few.
    """
    missing = [path for path in paths if not os.path.isfile(path)]
    if missing:
        raise MissingFileError(
            f'{len(missing)} of {len(paths)} images are missing (check data_root and data_prefix), '
            f'first: {", ".join(missing[:shown])}{_alike(missing[0])}'
        )
    if decode:
        damaged = [f'{path} ({problem})' for path in paths if (problem := decoding_problem(path))]
        if damaged:
            raise UserError(
                f'{len(damaged)} of {len(paths)} images are damaged, first: {", ".join(damaged[:shown])}'
            )


def decoding_problem(path: str) -> str | None:
    """What is wrong with an image file, or None if it is whole, missing or too large to decode here."""
    try:
        with Image.open(path) as image:
            image.load()
    except (FileNotFoundError, Image.DecompressionBombError):
        return None  # the loader has a limit of its own
    except (OSError, SyntaxError, ValueError) as error:
        return str(error)
    return None


def _alike(path: str) -> str:
    """A hint at a file whose name differs in case or in its suffix alone."""
    folder, name = os.path.split(path)
    stem = os.path.splitext(name)[0].lower()
    try:
        near = [other for other in os.listdir(folder) if os.path.splitext(other)[0].lower() == stem]
    except OSError:
        return f'; there is no folder {folder}'
    return f'; {near[0]} is there: write file_name the same way' if near else ''
