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
            f'first: {", ".join(missing[:shown])}'
        )
    if decode:
        damaged = [f'{path} ({problem})' for path in paths if (problem := decoding_problem(path))]
        if damaged:
            raise UserError(
                f'{len(damaged)} of {len(paths)} images are damaged, first: {", ".join(damaged[:shown])}'
            )


def decoding_problem(path: str) -> str | None:
    """What is wrong with an image file, or None if it is whole or missing."""
    try:
        with Image.open(path) as image:
            image.load()
    except (FileNotFoundError, Image.DecompressionBombError):
        return None  # too large to be decoded here: the loader has a limit of its own
    except (OSError, SyntaxError, ValueError) as error:
        return str(error)
    return None
