"""The formats by their names."""

from collections.abc import Iterable
from pathlib import Path

from ...utils.errors import ExistingFileError, UserError
from ...utils.known_names import nearest
from ...utils.outputs import refuse_existing
from .base import FileWriter, Settings, Writer
from .coco import CocoWriter
from .geojson import GeoJsonWriter
from .labelling import LabelMeWriter, YoloWriter
from .pictures import PictureWriter
from .table import CsvWriter

FORMATS: dict[str, type[Writer]] = {
    'coco': CocoWriter,
    'csv': CsvWriter,
    'geojson': GeoJsonWriter,
    'labelme': LabelMeWriter,
    'pictures': PictureWriter,
    'yolo': YoloWriter,
}


def make_writers(formats: Iterable[str], settings: Settings) -> list[Writer]:
    """A writer for each format, once.

    Raises:
        UserError: There is no such format.
    """
    names = list(dict.fromkeys(formats))
    for name in names:
        if name not in FORMATS:
            near = nearest(name, FORMATS)
            raise UserError(
                f'no such format: {name}; '
                + (f'did you mean {near}? ' if near else '')
                + f'There are {", ".join(FORMATS)}'
            )
    return [FORMATS[name](settings) for name in names]


def refuse_existing_outputs(writers: Iterable[Writer], overwrite: bool) -> None:
    """Raises an error if a file, or a folder with files, is there that a writer would write.

    Raises:
        ExistingFileError: It is there, and may not be replaced.
    """
    for writer in writers:
        if isinstance(writer, FileWriter):
            refuse_existing(writer.path, overwrite)
        elif not overwrite and _has_files(writer.path):
            raise ExistingFileError(f'{writer.path} has files; --overwrite replaces those of equal name')


def _has_files(folder: Path) -> bool:
    return folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
