"""AI-TOD, versions 1 and 2: tiny objects seen from the air."""

import re
from pathlib import Path

from ....utils.errors import MissingFileError, UserError
from ..general.coco import Dialect, chosen_files, json_files, read_files
from ..picture import Note, Reading, ReadOptions

NAME = re.compile(r'aitod(?:v2)?_(trainval|train|val|test)(?:_v(1|2)(?:_1\.0)?)?', re.IGNORECASE)
FOLDERS = (
    '',
    'images',
    '{split}',
    'images/{split}',
    '{split}/images',
    'trainval/images',
    'trainval',
    'images/trainval',
)


def recognise(source: Path) -> str:
    """What shows that a folder is AI-TOD's, or an empty text."""
    names = [path.name for path in json_files(source) if NAME.match(path.stem)]
    return f'{names[0]} is there' if names else ''


def read(source: Path, options: ReadOptions, note: Note) -> Reading:
    """Read ``aitod_SPLIT_v1.json`` or ``aitodv2_SPLIT.json``, in the folder or in ``annotations/``.

    Both are COCO's format with 8 classes; the pictures are the same. Nothing is ignored. ``trainval`` is
    read where ``train`` and ``val`` are not. Pictures cut from xView are missing until AI-TOD's own tool
    has made them; they are counted.

    Source: Wang et al., "Tiny Object Detection in Aerial Images", ICPR 2020 (v1); Xu et al., "Detecting
    tiny objects in aerial images", ISPRS Journal 2022 (v2).
    """
    found = [path for path in json_files(source) if NAME.match(path.stem)]
    files = chosen_files(source, options, found)
    if not files:
        raise MissingFileError(f'{source} has no aitod_SPLIT_v1.json or aitodv2_SPLIT.json')
    by_split: dict[str, Path] = {}
    for path in files:
        match = NAME.match(path.stem)
        split = match[1].lower() if match else path.stem
        if split in by_split:
            raise UserError(
                f'{by_split[split].name} and {path.name} are both there; --annotation-file chooses one'
            )
        by_split[split] = path
    if {'train', 'val'} <= set(by_split) and not options.splits and not options.annotation_files:
        by_split.pop('trainval', None)
    return read_files(source, by_split, Dialect(folders=FOLDERS), options, note)
