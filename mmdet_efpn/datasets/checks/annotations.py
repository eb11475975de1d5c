"""Checks of a COCO annotation file and its images; each error names the file and the way out."""

import json
import os
from collections.abc import Sequence

import numpy as np
from mmdet.datasets.api_wrappers import COCO
from PIL import Image

REQUIRED_KEYS = {
    'images': ('id', 'file_name', 'height', 'width'),
    'annotations': ('id', 'image_id', 'category_id', 'bbox', 'area'),
    'categories': ('id', 'name'),
}


def open_annotations(path: str) -> COCO:
    """Open a COCO annotation file and check that it is whole.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is empty, no JSON, lacks a list or a key, or a box isn't four finite numbers.
    """
    if not os.path.isfile(path):
        raise FileNotFoundError(
            f'annotation file {path} does not exist: check data_root and ann_file in the config, '
            'or make the file with one of tools/dataset_converters'
        )
    if not os.path.getsize(path):
        raise ValueError(f'annotation file {path} is empty: make it again')
    try:
        coco = COCO(path)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f'annotation file {path} is no valid JSON ({error}): make it again') from error
    except (AssertionError, KeyError, TypeError) as error:
        raise ValueError(f'annotation file {path} is not in COCO format: {error!r}') from error
    for part, keys in REQUIRED_KEYS.items():
        _check_entries(path, coco.dataset, part, keys)
    _check_boxes(path, coco.dataset['annotations'])
    return coco


def _check_entries(path: str, content: dict, part: str, keys: Sequence[str]) -> None:
    if not isinstance(content.get(part), list):
        raise ValueError(f"annotation file {path} is not in COCO format: it has no list '{part}'")
    for position, entry in enumerate(content[part]):
        missing = [key for key in keys if key not in entry]
        if missing:
            raise ValueError(
                f"annotation file {path}: entry {position} of '{part}' "
                f'(id {entry.get("id")}) lacks {missing}'
            )


def _check_boxes(path: str, annotations: list[dict]) -> None:
    for annotation in annotations:
        try:
            fine = len(annotation['bbox']) == 4 and np.isfinite(sum(annotation['bbox']))
        except TypeError:
            fine = False
        if not fine:
            raise ValueError(
                f'annotation file {path}: annotation {annotation["id"]} has bbox '
                f'{annotation["bbox"]}, expected four finite numbers [x, y, width, height]'
            )


def check_classes(path: str, categories: list[dict], classes: Sequence[str]) -> None:
    """Check that the classes of a config are in the annotation file, in the same order.

    MMDetection numbers the labels in the file's order and leaves out what it doesn't find, so
    either fault gives wrong labels without a word.

    Raises:
        ValueError: A class is missing, named twice, or stands elsewhere in the order.
    """
    in_file = [category['name'] for category in categories]
    both = f'classes of the config: {list(classes)}; categories of the file: {in_file}'
    missing = [name for name in classes if name not in in_file]
    if missing:
        raise ValueError(
            f'annotation file {path} has no category {missing}. '
            f'Set metainfo=dict(classes=...) to names of the file. {both}'
        )
    order = [name for name in in_file if name in classes]
    if order != list(classes):
        raise ValueError(
            f'the classes of the config are in another order than in annotation file {path}, '
            f'which would mix up labels. Set metainfo=dict(classes={tuple(dict.fromkeys(order))}); '
            f'each name must be once in the file. {both}'
        )


def check_images(paths: Sequence[str], decode: bool = False, shown: int = 5) -> None:
    """Check that the image files exist and, with ``decode``, that they are whole.

    Raises:
        FileNotFoundError: Files are missing; names the first few.
        ValueError: Files are damaged; names the first few.
    """
    missing = [path for path in paths if not os.path.isfile(path)]
    if missing:
        raise FileNotFoundError(
            f'{len(missing)} of {len(paths)} images are missing (check data_root and data_prefix), '
            f'first: {", ".join(missing[:shown])}'
        )
    if decode:
        damaged = [f'{path} ({problem})' for path in paths if (problem := decoding_problem(path))]
        if damaged:
            raise ValueError(
                f'{len(damaged)} of {len(paths)} images are damaged, first: {", ".join(damaged[:shown])}'
            )


def decoding_problem(path: str) -> str | None:
    """What is wrong with an image file, or None if it is whole or missing."""
    try:
        with Image.open(path) as image:
            image.load()
    except FileNotFoundError:
        return None
    except (OSError, SyntaxError, ValueError) as error:
        return str(error)
    return None
