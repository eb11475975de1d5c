"""DOTA, versions 1.0, 1.5 and 2.0: rotated boxes in aerial pictures; upright boxes are made of them."""

from pathlib import Path

from ....utils.errors import MissingFileError, UserError
from ...class_names import DOTA_CLASSES
from ..general.files import around, folders_with, numbers, pairs, pictures_in, read_text
from ..picture import Box, Note, Picture, Reading, ReadOptions

NUMBER_OF_CLASSES = (15, 16, 18)  # in versions 1.0, 1.5 and 2.0


def _label_folders(source: Path) -> list[Path]:
    folders = folders_with(source, '*.txt', depth=4)
    return [folder for folder in folders if any(part.startswith('labelTxt') for part in folder.parts)]


def recognise(source: Path) -> str:
    """What shows that a folder is DOTA's, or an empty text."""
    folders = _label_folders(source)
    return f'{folders[0].relative_to(source)}/ is there' if folders else ''


def read(source: Path, options: ReadOptions, note: Note) -> Reading:
    """Read ``SPLIT/labelTxt*/*.txt`` and ``SPLIT/images/``, or both without ``SPLIT``.

    A line is ``x1 y1 x2 y2 x3 y3 x4 y4 class difficult``; the lines ``imagesource:`` and ``gsd:``
    are skipped. The upright box around the four corners is taken. Difficult objects are ignored. The
    classes are those of the oldest version that has all that were met: 15, 16 or 18.

    Source: Xia et al., "DOTA", CVPR 2018; Ding et al., "Object Detection in Aerial Images", TPAMI 2021.
    """
    folders = _label_folders(source)
    if not folders:
        raise MissingFileError(f'{source} has no labelTxt folder')
    pictures, seen = [], {}
    for folder in folders:
        labels = next(part for part in (folder, *folder.parents) if part.name.startswith('labelTxt'))
        base = labels.parent
        split = base.name if base != source else 'all'
        if not options.wants(split):
            continue
        if seen.setdefault(split, labels) != labels:
            raise UserError(
                f'{seen[split]} and {labels} hold labels of the same pictures; move one version away'
            )
        by_stem = {Path(name).stem: name for name in pictures_in(base / 'images', source)}
        for path in sorted(folder.glob('*.txt')):
            missing = (base / 'images' / f'{path.stem}.png').relative_to(source).as_posix()
            name = by_stem.pop(path.stem, missing)
            try:
                lines = read_text(path).splitlines()
            except UserError as error:
                note(split, 'corrupt annotation file', path, str(error))
                continue
            boxes = [_box(line, f'{path}:{number}', split, note) for number, line in enumerate(lines, 1)]
            pictures.append(Picture(split, name, [box for box in boxes if box]))
        for name in by_stem.values():
            note(split, 'missing annotation file', folder / f'{Path(name).stem}.txt')
    met = {box.name for picture in pictures for box in picture.boxes}
    versions = [DOTA_CLASSES[:count] for count in NUMBER_OF_CLASSES]
    known = met & set(DOTA_CLASSES)
    classes = next(classes for classes in versions if known <= set(classes))
    return Reading(classes, pictures, source)


def _box(line: str, where: str, split: str, note: Note) -> Box | None:
    words = line.split()
    if not words or line.startswith(('imagesource', 'gsd')):
        return None
    try:
        corners = around(pairs(numbers(words[:8])))
        name = words[8]
        difficult = int(words[9]) if len(words) > 9 else 0
    except (IndexError, ValueError) as error:
        note(split, 'bad box', where, str(error))
        return None
    return Box(name, corners, ignore=difficult > 0)
