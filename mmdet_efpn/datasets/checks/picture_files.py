"""Do picture files have the size and the kind that the annotations and the loader take them for?"""

import os
from collections.abc import Sequence

from PIL import Image

from ...utils.errors import UserError

ORIENTATION = 0x0112  # EXIF's tag; 1 is upright, 5 to 8 turn by a quarter
LOOKED_AT = 2000  # files; of more, as many evenly spread
DEEP_MODES = ('I;16', 'I;16B', 'I;16L', 'I', 'F')
SHOWN = 3


def check_picture_files(path: str, pictures: Sequence[dict]) -> list[str]:
    """Reads the headers of picture files, of many files some evenly spread.

    Args:
        path (str): The annotation file, for messages.
        pictures (Sequence[dict]): ``img_path``, ``width`` and ``height`` of each.

    Returns:
        list[str]: What to tell of files that the loader may read otherwise than they are meant.

    Raises:
        UserError: Files have another size than the annotations say, or a camera's EXIF orientation.
    """
    step = max(1, -(-len(pictures) // LOOKED_AT))
    looked_at = pictures[::step]
    wrong, deep, unknown = [], [], []
    for picture in looked_at:
        if os.path.splitext(picture['img_path'])[1].lower() in ('.npy', '.npz'):
            continue
        try:
            with Image.open(picture['img_path']) as image:
                size, mode = image.size, image.mode
                turned = image.getexif().get(ORIENTATION, 1)
        except Image.DecompressionBombError:
            continue  # its header is whole; the loader has a limit of its own
        except (OSError, SyntaxError, ValueError):
            unknown.append(picture['img_path'])
            continue
        if mode in DEEP_MODES:
            deep.append(f'{picture["img_path"]} ({mode})')
        fault = _size_fault(size, turned, (picture['width'], picture['height']))
        if fault:
            wrong.append(f'{picture["img_path"]} {fault}')
    if wrong:
        raise UserError(
            f'annotation file {path}: {len(wrong)} of {len(looked_at)} pictures have another width and '
            f'height than it says: {"; ".join(wrong[:SHOWN])}'
        )
    said = []
    if deep:
        said.append(
            f'{len(deep)} pictures have more than 8 bits: the loader keeps the upper 8, and 12 bits or '
            f'floats come out dark; convert them to 8 bits: {", ".join(deep[:SHOWN])}'
        )
    if unknown:
        said.append(
            f'{len(unknown)} pictures are of a kind that is not checked (floats, many bands, damaged); '
            f'look at them with mmdet-efpn browse: {", ".join(unknown[:SHOWN])}'
        )
    return said


def _size_fault(size: tuple[int, int], turned: int, said: tuple[int, int]) -> str:
    """What is wrong with a file's size beside the one that the annotations say; empty if nothing."""
    as_loaded = size[::-1] if turned >= 5 else size
    if (said == as_loaded and turned in (0, 1)) or said == as_loaded != size:
        return ''
    if turned not in (0, 1):
        return (
            f'is stored as {size[0]}x{size[1]} with EXIF orientation {turned}; the loader turns it to '
            f'{as_loaded[0]}x{as_loaded[1]}, and the file says {said[0]}x{said[1]}: turn the pixels and '
            'take the tag off'
        )
    return f'has {size[0]}x{size[1]}, and the file says {said[0]}x{said[1]}'
