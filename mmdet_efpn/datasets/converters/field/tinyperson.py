"""TinyPerson: persons far away, at sea and on shore."""

from pathlib import Path

from ....utils.errors import MissingFileError
from ..general.coco import Dialect, chosen_files, read_files
from ..general.files import from_size, numbers
from ..picture import Box, Note, Reading, ReadOptions

SPLITS = ('train', 'test')
FOLDERS = ('{split}', 'erase_with_uncertain_dataset/{split}', '', 'images', 'images/{split}')


def _found(source: Path) -> list[Path]:
    if source.is_file():
        return [source] if source.name.startswith('tiny_set') else []
    files = (source / 'annotations' / f'tiny_set_{split}.json' for split in SPLITS)
    return [path for path in files if path.is_file()]


def recognise(source: Path) -> str:
    """What shows that a folder is TinyPerson's, or an empty text."""
    found = _found(source)
    return f'{found[0].name} is there' if found else ''


def read(source: Path, options: ReadOptions, note: Note) -> Reading:
    """Read ``annotations/tiny_set_train.json`` and ``tiny_set_test.json``, in COCO's format.

    Boxes marked ``ignore`` are regions, crowds and reflections among them; those marked ``uncertain``
    are objects that may be persons. Both are ignored. Other files, such as those of one class in
    ``annotations/task/``, are named by ``--annotation-file``. A file of ``corner`` has tiles: an image
    has the key ``corner`` (x1, y1, x2, y2), and its boxes count from there. The tiles are cut.

    Source: Yu et al., "Scale Match for Tiny Person Detection", WACV 2020, and TinyBenchmark's tutorial.
    """
    files = chosen_files(source, options, _found(source))
    if not files:
        raise MissingFileError(f'{source} has no annotations/tiny_set_train.json or tiny_set_test.json')
    by_split = {
        next((split for split in SPLITS if split in path.stem), path.stem): path for path in files
    }
    return read_files(source, by_split, Dialect(box=_box, folders=FOLDERS), options, note)


def _box(annotation: dict, name: str) -> Box:
    region = bool(annotation.get('ignore') or annotation.get('iscrowd'))
    unsure = bool(annotation.get('uncertain'))
    return Box(name, from_size(*numbers(annotation['bbox'])), ignore=region or unsure, crowd=region)
