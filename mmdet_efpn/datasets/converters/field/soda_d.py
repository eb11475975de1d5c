"""SODA-D: small objects in driving scenes."""

from pathlib import Path

from ....utils.errors import MissingFileError, UserError
from ...class_names import SODA_D_CLASSES
from ..general.coco import Dialect, chosen_files, json_files, read_files, split_name
from ..general.files import read_json
from ..picture import Note, Reading, ReadOptions

REGION_NAMES = ('ignore', 'ignored')
FOLDERS = ('Images', 'Images/{split}', 'images', 'images/{split}', '{split}/Images', '{split}', '')


def recognise(source: Path) -> str:
    """What shows that a folder is SODA-D's, or an empty text."""
    for path in json_files(source):
        try:
            names = {entry['name'] for entry in read_json(path)['categories']}
        except (KeyError, TypeError, UserError):
            continue
        if set(SODA_D_CLASSES) <= names:
            return f"{path.name} has SODA-D's nine classes"
    return ''


def read(source: Path, options: ReadOptions, note: Note) -> Reading:
    """Read ``Annotations/SPLIT.json`` in COCO's format, with the pictures in ``Images/``.

    The category ``ignore`` is regions that are ignored for all classes; an annotation with ``ignore``
    set is ignored for its class.

    Source: Cheng et al., "Towards Large-Scale Small Object Detection", TPAMI 2023.
    """
    files = chosen_files(source, options, json_files(source))
    if not files:
        raise MissingFileError(f'{source} has no Annotations/SPLIT.json')
    dialect = Dialect(region_names=REGION_NAMES, folders=FOLDERS)
    return read_files(source, {split_name(path): path for path in files}, dialect, options, note)
