"""TT100K: traffic signs in street scenes."""

from collections.abc import Sequence
from pathlib import Path

from ....utils.errors import MissingFileError, UserError
from ...class_names import TT100K_CLASSES
from ..coco_writer import CocoWriter
from ..convert import ConvertOptions, convert
from ..general.files import numbers, read_json
from ..picture import Box, Note, Picture, Reading, ReadOptions
from ..picture_file import name_inside

FILES = ('annotations.json', 'annotations_all.json')
SPLITS = ('train', 'test')


def convert_tt100k(
    source: str | Path,
    out: str | Path,
    splits: Sequence[str] = SPLITS,
    annotation_file: str = 'annotations.json',
    images: str = 'symlink',
    skip_bad: bool = False,
    decode: bool = True,
    overwrite: bool = False,
) -> dict[str, CocoWriter]:
    """Write ``out/annotations/{split}.json`` and ``out/images`` for TT100K.

    Args:
        source: Folder with the annotation file and the image folders.
        out: Folder to write to.
        splits: Splits to convert.
        annotation_file: Name of the annotation file in ``source``.
        images: ``'symlink'`` links ``out/images`` to ``source``, ``'copy'`` copies, ``'none'``
            leaves images alone.
        skip_bad: Leave out images with a missing or damaged file and count them, rather than stop.
        decode: Decode every image to find damaged ones; otherwise read only the headers.
        overwrite: Replace annotation files that are there and say something else.

    Returns:
        The writer of each split, with its ``counts``; signs outside the 45 classes are counted as
        ``unknown_class``, by name in ``unknown_classes``.

    Raises:
        ExistingFileError: Annotation files are there that say something else.
        MissingFileError: The annotation file or an image is missing.
        UserError: The annotation file or an image is damaged, or a split has no image.
    """
    read_options = ReadOptions(splits, [annotation_file])
    options = ConvertOptions(read_options, images, skip_bad=skip_bad, decode=decode, overwrite=overwrite)
    return convert('tt100k', source, out, options)


def recognise(source: Path) -> str:
    """What shows that a folder is TT100K's, or an empty text."""
    for name in FILES:
        if (source / name).is_file():
            with (source / name).open(encoding='utf-8', errors='replace') as file:
                start = file.read(10_000_000)
            if '"imgs"' in start:
                return f'{name} has imgs'
    return ''


def read(source: Path, options: ReadOptions, note: Note) -> Reading:
    """Read ``annotations.json`` (or ``annotations_all.json`` of the 2021 edition).

    It holds ``{'imgs': {id: {'path', 'id', 'objects': [{'category', 'bbox'}]}}}`` with a bbox of
    ``xmin, ymin, xmax, ymax`` in pixels. The first folder of a path (``train``, ``test``, ``other``) is
    its split. The 45 classes with at least 100 signs are kept; the others are counted.

    Source: Zhu et al., "Traffic-Sign Detection and Classification in the Wild", CVPR 2016.
    """
    if options.annotation_files:
        name = options.annotation_files[0]
    else:
        name = next((name for name in FILES if (source / name).is_file()), FILES[0])
    splits = options.splits or SPLITS
    pictures = []
    for entry in _read_entries(source / name_inside(name, source)):
        split = Path(entry['path']).parts[0]
        if split not in splits:
            continue
        try:
            boxes = [_box(item) for item in entry['objects']]
        except (KeyError, TypeError, ValueError) as error:
            note(split, 'bad annotation', source / entry['path'], repr(error))
        else:
            pictures.append(Picture(split, entry['path'], boxes))
    return Reading(TT100K_CLASSES, pictures, source)


def _read_entries(path: Path) -> list[dict]:
    """The image entries, in the order of their numeric ids."""
    if not path.is_file():
        raise MissingFileError(f"annotation file {path} is missing: is the folder TT100K's data folder?")
    try:
        entries = list(read_json(path)['imgs'].values())
        return sorted(entries, key=lambda entry: (Path(entry['path']).parts[0], int(entry['id'])))
    except UserError:
        raise
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"annotation file {path} isn't in TT100K's format: {error!r}") from error


def _box(item: dict) -> Box:
    """The box of a sign; KeyError, TypeError or ValueError where it is none."""
    corners = numbers(item['bbox'][name] for name in ('xmin', 'ymin', 'xmax', 'ymax'))
    return Box(str(item['category']), corners)
