"""HIT-UAV: infrared frames from drones."""

from pathlib import Path

from ....utils.errors import MissingFileError, UserError
from ..general.coco import Dialect, chosen_files, json_files, read_files, split_name
from ..general.files import read_json
from ..picture import Note, Reading, ReadOptions

CLASSES = {'Person', 'Car', 'Bicycle'}
FOLDERS = ('{split}', 'images/{split}', 'images', '', '{split}/images')


def _folder(source: Path) -> Path:
    """``normal_json``, where the source is the data set's whole folder."""
    inner = source / 'normal_json'
    return inner if inner.is_dir() else source


def recognise(source: Path) -> str:
    """What shows that a folder is HIT-UAV's, or an empty text."""
    for path in json_files(_folder(source)):
        try:
            names = {entry['name'] for entry in read_json(path)['categories']}
        except (KeyError, TypeError, UserError):
            continue
        if names >= CLASSES and names & {'OtherVehicle', 'DontCare'}:
            return f"{path.name} has HIT-UAV's classes"
    return ''


def read(source: Path, options: ReadOptions, note: Note) -> Reading:
    """Read ``normal_json/annotations/SPLIT.json`` with upright boxes, and ``normal_json/SPLIT/``.

    It is COCO's format; the published files call two keys ``annotation`` and ``filename``. The
    category ``DontCare`` is regions that are ignored for all classes.

    Source: Suo et al., "HIT-UAV", Scientific Data 10, 227 (2023).
    """
    folder = _folder(source)
    files = chosen_files(folder, options, json_files(folder))
    if not files:
        raise MissingFileError(f'{source} has no annotations/SPLIT.json')
    dialect = Dialect(('annotation', 'annotations'), ('dontcare',), folders=FOLDERS)
    return read_files(folder, {split_name(path): path for path in files}, dialect, options, note)
