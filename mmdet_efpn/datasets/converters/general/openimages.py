"""Open Images: CSV files of boxes in shares of the picture. Own reader: see ``voc.py``."""

import csv
from collections.abc import Iterator
from pathlib import Path

from ....utils.errors import MissingFileError, UserError
from ..picture import Box, Note, Picture, Reading, ReadOptions
from ..picture_file import name_inside
from .files import class_list, folders_with, numbers, pictures_in, read_text

CORNERS = ('XMin', 'YMin', 'XMax', 'YMax')
COLUMNS = ('ImageID', 'LabelName', *CORNERS)
SPLITS = ('train', 'validation', 'test')


def _tables(source: Path) -> list[Path]:
    """The CSV files whose first line has the columns of boxes."""
    found = []
    for folder in folders_with(source, '*.csv', depth=2):
        for path in sorted(folder.glob('*.csv')):
            with path.open(encoding='utf-8-sig', errors='replace') as file:
                if set(COLUMNS) <= set(file.readline().strip().split(',')):
                    found.append(path)
    return found


def recognise(source: Path) -> str:
    """What shows that a folder is Open Images', or an empty text."""
    tables = _tables(source)
    return f'{tables[0].relative_to(source)} has {", ".join(COLUMNS)}' if tables else ''


def read(source: Path, options: ReadOptions, note: Note) -> Reading:
    """Read each CSV with ``ImageID``, ``LabelName`` and corners, and ``class-descriptions*.csv``.

    The split is the one that the file's name has (``train``, ``validation``, ``test``), else ``all``.
    A picture is ``SPLIT/ID.jpg``, ``images/SPLIT/ID.jpg``, ``images/ID.jpg`` or ``ID.jpg``. Boxes
    refer to it as it is shown. ``IsGroupOf`` makes a crowd region. Pictures without a row are not
    known to be empty: they are left out and counted.

    Source: Kuznetsova et al., "The Open Images Dataset V4", IJCV 2020, and its download page.
    """
    tables = _tables(source)
    if not tables:
        raise MissingFileError(f'{source} has no CSV file with the columns {", ".join(COLUMNS)}')
    spoken = _class_names(source)
    by_stem: dict[str, list[str]] = {}
    for name in pictures_in(source, source):
        by_stem.setdefault(Path(name).stem, []).append(name)
    pictures: dict[tuple[str, str], Picture] = {}
    for path in tables:
        split = next((name for name in SPLITS if name in path.stem.lower()), 'all')
        if not options.wants(split):
            continue
        for number, row in enumerate(_rows(path), start=2):
            where = f'{path}:{number}'
            try:
                corners = numbers(row[key] for key in CORNERS)
                image_id, label = row['ImageID'].strip(), row['LabelName'].strip()
                if not image_id or not label:
                    raise ValueError('no ImageID or LabelName')
            except (AttributeError, TypeError, ValueError) as error:
                note(split, 'bad box', where, str(error))
                continue
            if (split, image_id) not in pictures:
                name_inside(image_id, source)
                pictures[split, image_id] = _picture(split, image_id, by_stem)
            group = (row.get('IsGroupOf') or '').strip() == '1'
            pictures[split, image_id].boxes.append(Box(spoken.get(label, label), corners, crowd=group))
    _count_without_rows(pictures, by_stem, options, note)
    found = [box.name for picture in pictures.values() for box in picture.boxes]
    classes = class_list(source, options.classes, found)
    return Reading(classes, list(pictures.values()), source)


def _rows(path: Path) -> Iterator[dict]:
    """The rows of a table, one by one: that of the whole data set has 15 million."""
    with path.open(encoding='utf-8-sig', newline='') as file:
        try:
            yield from csv.DictReader(file)
        except (UnicodeDecodeError, csv.Error) as error:
            raise UserError(f'{path} is no CSV in UTF-8: {error}') from error


def _picture(split: str, image_id: str, by_stem: dict[str, list[str]]) -> Picture:
    stem = Path(image_id).stem if Path(image_id).suffix else image_id
    names = by_stem.get(stem, [])
    own = [name for name in names if split in Path(name).parts]
    name = (own or names or [f'{split}/{image_id}.jpg'])[0]
    return Picture(split, name, relative=True, shown=True)


def _count_without_rows(
    pictures: dict, by_stem: dict[str, list[str]], options: ReadOptions, note: Note
) -> None:
    named = {picture.file_name for picture in pictures.values()}
    splits = list(dict.fromkeys(split for split, _ in pictures))
    for name in sorted(name for names in by_stem.values() for name in names if name not in named):
        split = next((split for split in splits if split in Path(name).parts), None)
        if split is None and len(splits) == 1 and options.splits is None:
            split = splits[0]
        if split:
            note(split, 'image without rows', name)


def _class_names(source: Path) -> dict[str, str]:
    """Names by label (``/m/01g317``), where the folder has them."""
    for folder in folders_with(source, 'class-descriptions*.csv', depth=2):
        path = sorted(folder.glob('class-descriptions*.csv'))[0]
        rows = [row for row in csv.reader(read_text(path).splitlines()) if row]
        if any(len(row) != 2 for row in rows):
            raise UserError(f'{path}: each line must be LABEL,NAME')
        return {label: name for label, name in rows if label != 'LabelName'}
    return {}
