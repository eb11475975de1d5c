"""Is a COCO annotation file whole?"""

import json
import os
from collections.abc import Sequence

import numpy as np
from mmdet.datasets.api_wrappers import COCO

from ...utils.errors import MissingFileError, UserError
from .ids import check_ids

REQUIRED_KEYS = {
    'images': ('id', 'file_name', 'height', 'width'),
    'annotations': ('id', 'image_id', 'category_id', 'bbox'),
    'categories': ('id', 'name'),
}


def open_annotations(path: str, need_annotations: bool = True) -> COCO:
    """Open a COCO annotation file and check that it is whole.

    Args:
        path (str): The file.
        need_annotations (bool): Whether a file without the list ``annotations`` is an error; test
            files such as COCO's image_info have none. Default True.

    Raises:
        MissingFileError: There is no such file.
        UserError: It is empty, no JSON, lacks a list or a key, a box isn't four finite numbers, an id
            is there twice or of two kinds, or boxes are corners or shares.
    """
    if not os.path.isfile(path):
        raise MissingFileError(
            f'annotation file {path} does not exist: check data_root and ann_file in the config, '
            'or make the file with mmdet-efpn convert'
        )
    if not os.path.getsize(path):
        raise UserError(f'annotation file {path} is empty: make it again')
    try:
        coco = COCO(path)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f'annotation file {path} is no valid JSON ({error}): make it again') from error
    except (AssertionError, KeyError, TypeError) as error:
        raise UserError(f'annotation file {path} is not in COCO format: {error!r}') from error
    if not need_annotations and isinstance(coco.dataset, dict):
        coco.dataset.setdefault('annotations', [])
    for part, keys in REQUIRED_KEYS.items():
        _check_entries(path, coco.dataset, part, keys)
    _check_boxes(path, coco.dataset['annotations'])
    check_ids(path, coco.dataset)
    return coco


def _check_entries(path: str, content: dict, part: str, keys: Sequence[str]) -> None:
    if not isinstance(content.get(part), list):
        raise UserError(f"annotation file {path} is not in COCO format: it has no list '{part}'")
    for position, entry in enumerate(content[part]):
        missing = [k for k in keys if k not in entry or (entry[k] is None and k != 'bbox')]
        if missing:
            raise UserError(
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
            raise UserError(
                f'annotation file {path}: annotation {annotation["id"]} has bbox '
                f'{annotation["bbox"]}, expected four finite numbers [x, y, width, height]'
            )
