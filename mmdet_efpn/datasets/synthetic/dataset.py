"""Writes the built-in data set: synthetic road scenes with small signs, in COCO format."""

import json
import os
import shutil
from pathlib import Path

import cv2
import numpy as np

from ...utils.atomic_file import write_text_atomically
from ...utils.errors import ExistingFileError, UserError
from ..class_names import SYNTHETIC_SIGNS_CLASSES
from ..converters.coco_writer import CocoWriter
from .scene import paint_scene

# Raise it when the pictures of a seed change, so that an older set isn't taken for a new one.
PAINTER_VERSION = 1
MIN_SIZE = 128
# 4:4:4, as halved colour planes blur a sign of 6 px.
JPEG_SETTINGS = [
    *(cv2.IMWRITE_JPEG_QUALITY, 95),
    *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
]


def make_synthetic_signs(
    out: str | Path, num_train: int = 400, num_val: int = 100, size: int = 320, seed: int = 0
) -> bool:
    """Make the data set, or keep the one that is there if it was made with the same arguments.

    Writes ``out/images/{train,val}/NNNNNN.jpg``, ``out/annotations/{train,val}.json`` and
    ``out/parameters.json``, first into a folder beside ``out``, which is moved into place when it
    is whole. An image depends on the seed, its split, its number and the size alone; the same
    arguments give the same bytes (with the same OpenCV).

    Args:
        out: Folder to make.
        num_train: Number of training images.
        num_val: Number of validation images.
        size: Width and height of an image in pixels, at least 128.
        seed: Any whole number from 0.

    Returns:
        True if it was made, False if it was there.

    Raises:
        ExistingFileError: ``out`` holds something else, or a set made with other arguments.
        UserError: An argument is out of range.
    """
    out = Path(out)
    if num_train < 1 or num_val < 1:
        raise UserError(f'num_train and num_val must be at least 1, got {num_train} and {num_val}')
    if size < MIN_SIZE or seed < 0:
        raise UserError(f'size must be at least {MIN_SIZE} and seed at least 0, got {size} and {seed}')
    parameters = dict(
        num_train=num_train, num_val=num_val, size=size, seed=seed, painter_version=PAINTER_VERSION
    )
    if _is_made(out, parameters):
        return False
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f'.{out.name}.{os.getpid()}.tmp')
    try:
        for split_number, (split, amount) in enumerate((('train', num_train), ('val', num_val))):
            _write_split(temporary, split, amount, size, [seed, split_number])
        write_text_atomically(temporary / 'parameters.json', json.dumps(parameters, indent=2) + '\n')
        try:
            temporary.rename(out)
        except OSError:
            # Another process may have finished the same set meanwhile.
            if not _is_made(out, parameters):
                raise
            return False
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return True


def _is_made(out: Path, parameters: dict) -> bool:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return False
    try:
        found = json.loads((out / 'parameters.json').read_text())
    except (OSError, ValueError):
        raise ExistingFileError(
            f'{out} exists and is no synthetic data set: remove it, or choose another folder'
        ) from None
    if found != parameters:
        raise ExistingFileError(
            f'{out} holds a data set made with {found}, not with {parameters}: '
            'remove it to make a new one, or choose another folder'
        )
    return True


def _write_split(folder: Path, split: str, amount: int, size: int, seeds: list[int]) -> None:
    writer = CocoWriter(SYNTHETIC_SIGNS_CLASSES)
    (folder / 'images' / split).mkdir(parents=True)
    for index in range(amount):
        image, signs = paint_scene(np.random.default_rng([*seeds, index]), size)
        encoded, data = cv2.imencode('.jpg', image[..., ::-1], JPEG_SETTINGS)
        if not encoded:
            raise RuntimeError('OpenCV could not encode a JPEG')
        name = f'{split}/{index:06d}.jpg'
        (folder / 'images' / name).write_bytes(data.tobytes())
        writer.add_image(name, size, size, signs)
    writer.write(folder / 'annotations' / f'{split}.json')
