"""Is a COCO annotation file whole?"""

import contextlib
import io
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
            is there twice or of two kinds.
    """
    if not os.path.isfile(path):
        raise MissingFileError(
            f'annotation file {path} does not exist: check data_root and ann_file in the config, '
            'or make the file with mmdet-efpn convert'
        )
    if not os.path.getsize(path):
        raise UserError(f'annotation file {path} is empty: make it again')
    try:
        with open(path, encoding='utf-8') as file:
            content = json.load(file)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f'annotation file {path} is no valid JSON ({error}): make it again') from error
    if not isinstance(content, dict):
        raise UserError(
            f'annotation file {path} is not in COCO format: it is no '
            "object with 'images', 'annotations' and 'categories'"
        )
    if not need_annotations:
        content.setdefault('annotations', [])
    for part, keys in REQUIRED_KEYS.items():
        _check_entries(path, content, part, keys)
    _check_sizes(path, content['images'])
    _check_boxes(path, content['annotations'])
    check_ids(path, content)
    coco = COCO()
    coco.dataset = content
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
    coco.img_ann_map, coco.cat_img_map = coco.imgToAnns, coco.catToImgs
    return coco


def _check_entries(path: str, content: dict, part: str, keys: Sequence[str]) -> None:
    if not isinstance(content.get(part), list):
        raise UserError(f"annotation file {path} is not in COCO format: it has no list '{part}'")
    for position, entry in enumerate(content[part]):
        if not isinstance(entry, dict):
            raise UserError(
                f"annotation file {path}: entry {position} of '{part}' is {entry!r}, no object"
            )
        for key in keys:
            if key.endswith('id') and not isinstance(entry.get(key, 0), (int, float, str, type(None))):
                raise UserError(
                    f"annotation file {path}: {key} of entry {position} of '{part}' is {entry[key]!r}, "
                    'expected a number'
                )
        missing = [key for key in keys if key not in entry]
        nulls = [key for key in keys if key in entry and entry[key] is None and key != 'bbox']
        if missing or nulls:
            faults = [f'lacks {missing}'] if missing else []
            faults += [f'has null in {nulls}'] if nulls else []
            raise UserError(
                f"annotation file {path}: entry {position} of '{part}' "
                f'(id {entry.get("id")}) {" and ".join(faults)}'
            )


def _check_sizes(path: str, images: list[dict]) -> None:
    for image in images:
        if not isinstance(image['file_name'], str):
            raise UserError(
                f'annotation file {path}: file_name of image {image["id"]} is {image["file_name"]!r}, '
                'expected text'
            )
        for key in ('width', 'height'):
            value = image[key]
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
                raise UserError(
                    f'annotation file {path}: {key} of image {image["id"]} ({image["file_name"]}) is '
                    f'{value!r}, expected a number of pixels'
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
