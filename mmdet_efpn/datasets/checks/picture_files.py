"""Do picture files have the size and the kind that the annotations and the loader take them for?"""

import os
import warnings
from collections.abc import Sequence

from PIL import Image

from ...utils.errors import UserError

ORIENTATION = 0x0112  # EXIF's tag; 1 is upright, 5 to 8 turn by a quarter
UPRIGHT = (0, 1)
LOOKED_AT = 2000  # files; of more, as many evenly spread
DEEP_MODES = ('I;16', 'I;16B', 'I;16L', 'I', 'F')
SHOWN = 3


def check_picture_files(path: str, pictures: Sequence[dict], pipeline: Sequence[dict] = ()) -> list[str]:
    """Reads the headers of picture files, of many files some evenly spread.

    Args:
        path (str): The annotation file, for messages.
        pictures (Sequence[dict]): ``img_path``, ``width`` and ``height`` of each.
        pipeline (Sequence[dict]): Configs of the transforms, of which the loader's ``color_type`` says
            whether it turns pictures by their EXIF orientation.

    Returns:
        list[str]: What to tell of files that the loader may read otherwise than they are meant.

    Raises:
        UserError: Files have another size than the annotations say.
    """
    step = max(1, -(-len(pictures) // LOOKED_AT))
    looked_at = pictures[::step]
    turns = _loader_turns(pipeline)
    wrong, deep, unknown, turned = [], [], [], []
    for picture in looked_at:
        name = picture['img_path']
        if os.path.splitext(name)[1].lower() in ('.npy', '.npz'):
            continue
        header = _header(name)
        if header is None:
            unknown.append(name)
            continue
        size, mode, orientation = header
        if mode in DEEP_MODES:
            deep.append(f'{name} ({mode})')
        said = (picture['width'], picture['height'])
        as_loaded = size[::-1] if turns and orientation >= 5 else size
        if said != as_loaded:
            wrong.append(f'{name} {_difference(size, as_loaded, orientation, said)}')
        elif turns and orientation not in UPRIGHT and (orientation < 5 or size[0] == size[1]):
            turned.append(f'{name} ({orientation})')
    if wrong:
        raise UserError(
            f'annotation file {path}: {len(wrong)} of {len(looked_at)} pictures have another width and '
            f'height than it says: {"; ".join(wrong[:SHOWN])}'
        )
    return _said(deep, unknown, turned)


def _said(deep: list[str], unknown: list[str], turned: list[str]) -> list[str]:
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
    if turned:
        said.append(
            f'{len(turned)} pictures have an EXIF orientation that the loader applies, which does not '
            'show in their size; look with mmdet-efpn browse whether the boxes are of the turned '
            f'picture: {", ".join(turned[:SHOWN])}'
        )
    return said


def _header(path: str) -> tuple[tuple[int, int], str, int] | None:
    """Size as stored, mode and EXIF orientation; ``None`` if Pillow can't tell them."""
    most, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # nothing is decoded here
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # of odd EXIF data
            with Image.open(path) as image:
                return image.size, image.mode, image.getexif().get(ORIENTATION, 1)
    except (OSError, SyntaxError, ValueError):
        return None
    finally:
        Image.MAX_IMAGE_PIXELS = most


def _loader_turns(pipeline: Sequence[dict]) -> bool:
    """Whether the loader of a pipeline applies the EXIF orientation, as MMCV's does by default."""
    for step in pipeline:
        if isinstance(step, dict) and 'LoadImage' in str(step.get('type')):
            kind = step.get('color_type', 'color')
            return kind in ('color', 'grayscale') and step.get('imdecode_backend') not in (
                'turbojpeg',
                'tifffile',
            )
    return True


def _difference(
    size: tuple[int, int], as_loaded: tuple[int, int], orientation: int, said: tuple[int, int]
) -> str:
    """In words: a file's size beside the one that the annotations say."""
    if as_loaded != size:
        return (
            f'is stored as {size[0]}x{size[1]} with EXIF orientation {orientation}; the loader turns it '
            f'to {as_loaded[0]}x{as_loaded[1]}, and the file says {said[0]}x{said[1]}: turn the pixels '
            "and take the tag off, or load with color_type='color_ignore_orientation'"
        )
    return f'has {size[0]}x{size[1]}, and the file says {said[0]}x{said[1]}'
