"""VisDrone-DET: objects and ignored regions seen from drones."""

from pathlib import Path

from ....utils.errors import MissingFileError, UserError
from ...class_names import VISDRONE_CLASSES
from ..general.files import from_size, numbers, pictures_in, read_text
from ..picture import Box, Note, Picture, Reading, ReadOptions

REGION, OTHERS = 0, 11  # categories that are no class


def _folders(source: Path) -> dict[str, Path]:
    """The folder of each split: with ``images/`` and ``annotations/``."""
    found = {}
    for folder in sorted([source, *(child for child in source.glob('*') if child.is_dir())]):
        if (folder / 'images').is_dir() and any((folder / 'annotations').glob('*.txt')):
            names = ('train', 'val', 'test-dev', 'test-challenge')
            found[next((name for name in names if folder.name.endswith(name)), 'all')] = folder
    return found


def recognise(source: Path) -> str:
    """What shows that a folder is VisDrone's, or an empty text."""
    for folder in _folders(source).values():
        for path in sorted((folder / 'annotations').glob('*.txt'))[:20]:
            for line in read_text(path).splitlines():
                if len(line.rstrip(',').split(',')) == 8:
                    return f'{path.relative_to(source)} has eight numbers a line'
    return ''


def read(source: Path, options: ReadOptions, note: Note) -> Reading:
    """Read ``VisDrone2019-DET-SPLIT/images`` and ``annotations``, or one such folder.

    A line is ``x, y, width, height, score, category, truncation, occlusion``. Category 0, ignored
    regions, and 11, others, belong to no class and are ignored; so is a box whose score is 0. A picture
    without a text file is left out and counted.

    Source: Zhu et al., "Vision Meets Drones: A Challenge", 2018, and the DET toolkit's readme.
    """
    folders = {split: folder for split, folder in _folders(source).items() if options.wants(split)}
    if not folders:
        raise MissingFileError(f'{source} has no folder with images/ and annotations/*.txt')
    pictures = []
    for split, folder in folders.items():
        for name in pictures_in(folder / 'images', source):
            path = folder / 'annotations' / f'{Path(name).stem}.txt'
            try:
                lines = read_text(path).splitlines()
            except MissingFileError:
                note(split, 'missing annotation file', path)
                continue
            except UserError as error:
                note(split, 'corrupt annotation file', path, str(error))
                continue
            boxes = [_box(line, f'{path}:{number}', split, note) for number, line in enumerate(lines, 1)]
            pictures.append(Picture(split, name, [box for box in boxes if box]))
        _count_lonely(folder, split, note)
    return Reading(VISDRONE_CLASSES, pictures, source, regions=True)


def _count_lonely(folder: Path, split: str, note: Note) -> None:
    stems = {Path(name).stem for name in pictures_in(folder / 'images', folder)}
    for path in sorted((folder / 'annotations').glob('*.txt')):
        if path.stem not in stems:
            note(split, 'missing image', folder / 'images' / f'{path.stem}.jpg')


def _box(line: str, where: str, split: str, note: Note) -> Box | None:
    if not line.strip():
        return None
    try:
        x, y, width, height, score, category, *_ = numbers(line.strip().rstrip(',').split(','))
    except ValueError as error:
        note(split, 'bad box', where, str(error))
        return None
    corners = from_size(x, y, width, height)
    if category == REGION:
        return Box(None, corners, ignore=True, crowd=True)
    if category == OTHERS:
        return Box(None, corners, ignore=True)
    name = VISDRONE_CLASSES[category - 1] if category in range(1, 11) else f'category {category}'
    return Box(name, corners, ignore=score == 0)
