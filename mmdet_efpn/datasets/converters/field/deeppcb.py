"""DeepPCB: defects on printed circuit boards."""

from collections.abc import Sequence
from pathlib import Path

from ....utils.errors import MissingFileError, UserError
from ...class_names import DEEPPCB_CLASSES
from ..coco_writer import CocoWriter
from ..convert import ConvertOptions, convert
from ..general.files import read_text
from ..picture import Box, Note, Picture, Reading, ReadOptions
from ..picture_file import name_inside

KNOWN_SPLITS = ('train', 'val', 'trainval', 'test')


def convert_deeppcb(
    source: str | Path,
    out: str | Path,
    splits: Sequence[str] | None = None,
    images: str = 'symlink',
    skip_bad: bool = False,
    overwrite: bool = False,
) -> dict[str, CocoWriter]:
    """Write ``out/annotations/{split}.json`` and ``out/images`` for DeepPCB.

    Args:
        source: Folder with the lists.
        out: Folder to write to.
        splits: Names of the lists to convert. Default: those of train, val, trainval, test that
            exist.
        images: ``'symlink'`` links ``out/images`` to ``source``, ``'copy'`` copies, ``'none'``
            leaves images alone.
        skip_bad: Leave out images with a missing or damaged file and count them, rather than stop.
        overwrite: Replace annotation files that are there and say something else.

    Returns:
        The writer of each split, with its ``counts``. Skipped files are counted there too, by
        cause.

    Raises:
        ExistingFileError: Annotation files are there that say something else.
        MissingFileError: A list, an image or an annotation file is missing.
        UserError: A list is empty, or an image or an annotation line is damaged.
    """
    options = ConvertOptions(ReadOptions(splits), images, skip_bad=skip_bad, overwrite=overwrite)
    return convert('deeppcb', source, out, options)


def recognise(source: Path) -> str:
    """What shows that a folder is DeepPCB's, or an empty text."""
    for split in KNOWN_SPLITS:
        path = source / f'{split}.txt'
        if path.is_file():
            words = read_text(path).partition('\n')[0].split()
            if len(words) == 2 and words[0].endswith('.jpg') and words[1].endswith('.txt'):
                return f'{path.name} names a picture and a text file on each line'
    return ''


def read(source: Path, options: ReadOptions, note: Note) -> Reading:
    """Read the lists ``SPLIT.txt`` and what they name.

    A line of a list is ``IMAGE.jpg ANNOTATION.txt``; the tested board is ``IMAGE_test.jpg``. A line of
    an annotation file is ``x1 y1 x2 y2 type`` in pixels, with types 1..6 in the order of
    ``DEEPPCB_CLASSES``. A damaged annotation file takes its picture with it.

    Source: Tang et al., "Online PCB Defect Detector On A New PCB Defect Dataset", 2019.
    """
    splits = options.splits or [split for split in KNOWN_SPLITS if (source / f'{split}.txt').is_file()]
    if not splits:
        wanted = ', '.join(f'{split}.txt' for split in KNOWN_SPLITS)
        raise MissingFileError(
            f'{source} has none of {wanted}: is it the folder of DeepPCB with the lists?'
        )
    pictures = [picture for split in splits for picture in _read_split(source, split, note)]
    return Reading(DEEPPCB_CLASSES, pictures, source)


def _read_split(source: Path, split: str, note: Note) -> list[Picture]:
    list_file = source / f'{split}.txt'
    rows = [line.split() for line in read_text(list_file).splitlines() if line.strip()]
    if not rows:
        raise UserError(f'{list_file} is empty')
    pictures = []
    for number, row in enumerate(rows, start=1):
        if len(row) != 2:
            note(split, 'bad line', f'{list_file}:{number}', 'expected "IMAGE.jpg ANNOTATION.txt"')
            continue
        file_name = str(Path(row[0]).with_name(Path(row[0]).stem + '_test.jpg'))
        path = source / name_inside(row[1], source)
        try:
            pictures.append(Picture(split, file_name, read_boxes(path)))
        except FileNotFoundError:
            note(split, 'missing annotation file', path)
        except ValueError as error:
            note(split, 'corrupt annotation file', path, str(error))
    return pictures


def read_boxes(path: str | Path) -> list[Box]:
    """The box of each line; an unknown type is named ``'type N'``.

    Raises:
        MissingFileError: There is no such file.
        UserError: A line isn't five whole numbers.
    """
    boxes = []
    for number, line in enumerate(read_text(Path(path)).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            x1, y1, x2, y2, kind = (int(word) for word in line.split())
        except ValueError:
            raise UserError(f'line {number} is {line!r}, expected "x1 y1 x2 y2 type"') from None
        known = 1 <= kind <= len(DEEPPCB_CLASSES)
        boxes.append(Box(DEEPPCB_CLASSES[kind - 1] if known else f'type {kind}', (x1, y1, x2, y2)))
    return boxes
