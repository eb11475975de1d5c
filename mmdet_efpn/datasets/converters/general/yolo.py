"""YOLO's labels with Ultralytics' ``data.yaml``.

Own reader: see ``voc.py``. globox and supervision take one folder of pictures and one of labels, not
the several roots and lists of a ``data.yaml``; globox leaves out pictures without a label file.
"""

from collections.abc import Sequence
from pathlib import Path

import yaml

from ....utils.errors import MissingFileError, UserError
from ..picture import PICTURE_SUFFIXES, Box, Note, Picture, Reading, ReadOptions
from ..picture_file import name_inside
from .files import around, numbers, pairs, pictures_in, read_text

SPLITS = ('train', 'val', 'test')
NO_LABELS = ('classes.txt', 'labels.txt')


def _yaml_of(source: Path) -> Path | None:
    """The data set's YAML: the source itself, ``data.yaml``, or the only one that has names."""
    if source.is_file():
        return source if source.suffix.lower() in ('.yaml', '.yml') else None
    if (source / 'data.yaml').is_file():
        return source / 'data.yaml'
    found = []
    for path in sorted([*source.glob('*.yaml'), *source.glob('*.yml')]):
        try:
            content = yaml.safe_load(read_text(path))
        except (yaml.YAMLError, UserError):
            continue
        if isinstance(content, dict) and 'names' in content and any(key in content for key in SPLITS):
            found.append(path)
    if len(found) > 1:
        raise UserError(f'{source} has several: {[path.name for path in found]}; name one as SOURCE')
    return found[0] if found else None


def recognise(source: Path) -> str:
    """What shows that a folder is YOLO's, or an empty text."""
    path = _yaml_of(source)
    return f'{path.name} names classes and splits' if path else ''


def read(source: Path, options: ReadOptions, note: Note) -> Reading:
    """Read the folders and lists that ``data.yaml`` names.

    ``train``, ``val`` and ``test`` are each a folder, a text file of pictures, or a list of these,
    relative to ``path``. The labels of ``.../images/x.jpg`` are ``.../labels/x.txt``. A picture without
    that file is a picture without boxes. A line is ``class x y width height`` in shares of the picture,
    or a class and a polygon, whose box is taken; with ``kpt_shape``, keypoints follow the box. They
    refer to the picture as it is shown, as Ultralytics reads it.

    Source: Ultralytics' documentation, "Object Detection Datasets Overview".
    """
    path = _yaml_of(source)
    if path is None:
        raise MissingFileError(
            f'{source} has no data.yaml with names and train, val or test: write one, such as '
            '"names: [car, bus]" and "train: images" on two lines'
        )
    root = path.parent
    try:
        content = yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        raise UserError(f'{path} is no valid YAML: {" ".join(str(error).split())}') from error
    if not isinstance(content, dict):
        raise UserError(f'{path} holds no keys')
    classes = _names(path, content)
    base = _base(root, content.get('path'))
    keypoints = _keypoint_values(path, content.get('kpt_shape'))
    splits = [name for name in SPLITS if content.get(name) and options.wants(name)]
    if not splits:
        raise UserError(f'{path} names none of {list(options.splits or SPLITS)}')
    pictures = []
    for split in splits:
        found = content[split] if isinstance(content[split], list) else [content[split]]
        names = [name for entry in found for name in _listed(root, base, path, split, str(entry))]
        if not names:
            raise UserError(f'{path}: {split} {content[split]} holds no picture')
        for name in names:
            boxes = _boxes(root / _label_name(name), classes, keypoints, split, note)
            pictures.append(Picture(split, name, boxes, relative=True, shown=True))
        _count_lonely_labels(root, names, split, note)
    return Reading(tuple(classes.values()), pictures, root)


def _names(path: Path, content: dict) -> dict[int, str]:
    names = content.get('names')
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not names:
        raise UserError(f'{path}: names must be a list or a map from number to name, got {names!r}')
    try:
        classes = {int(key): str(names[key]) for key in sorted(names, key=int)}
    except (TypeError, ValueError):
        raise UserError(f'{path}: names must map whole numbers to names, got {names!r}') from None
    if len(set(classes.values())) != len(classes):
        raise UserError(f'{path}: a class is named twice: {list(classes.values())}')
    if content.get('nc') not in (None, len(classes)):
        raise UserError(f'{path}: nc is {content["nc"]}, but there are {len(classes)} names')
    return classes


def _keypoint_values(path: Path, shape) -> int:
    if shape is None:
        return 0
    try:
        count, values = shape
        return int(count) * int(values)
    except (TypeError, ValueError):
        raise UserError(f'{path}: kpt_shape must be [points, values], got {shape!r}') from None


def _base(root: Path, said: str | None) -> str:
    """``path``, relative to the YAML's folder; one of another machine stands for that folder."""
    if not said:
        return ''
    if (root / said).is_dir() or Path(said).is_dir():
        return name_inside(str(said), root)
    return ''


def _listed(root: Path, base: str, yaml_path: Path, split: str, entry: str) -> list[str]:
    """The pictures of one folder or list, relative to ``root``."""
    tries = [entry]
    if entry.startswith('../'):  # Roboflow's exports; Ultralytics takes this for ./ too
        tries.append(entry[3:])
    tries = [(name, folder) for name in tries for folder in dict.fromkeys((base, ''))]
    inside = []
    for name, folder in tries:
        try:
            inside.append(name_inside(name, root, folder))
        except UserError:
            if (root / folder / name).exists():
                raise
    place = next((name for name in inside if (root / name).exists()), None)
    if place is None:
        if not inside:
            name_inside(entry, root, base)
        raise MissingFileError(f'{yaml_path}: {split} is {entry}, but {root / inside[0]} is not there')
    path = root / place
    if path.is_dir():
        return pictures_in(path, root)
    if path.suffix.lower() in PICTURE_SUFFIXES:
        return [place]
    names = []
    for line in read_text(path).splitlines():
        if line.strip():
            by_base = name_inside(line, root, base)
            beside = name_inside(line, root, Path(place).parent.as_posix())
            first, second = (beside, by_base) if line.startswith('./') else (by_base, beside)
            names.append(first if (root / first).is_file() or not (root / second).is_file() else second)
    return names


def _label_name(name: str) -> str:
    """The label file of a picture: the last folder ``images`` becomes ``labels``."""
    parts = Path(name).with_suffix('.txt').parts
    for place in range(len(parts) - 2, -1, -1):
        if parts[place] == 'images':
            return Path(*parts[:place], 'labels', *parts[place + 1 :]).as_posix()
    return Path(*parts).as_posix()


def _boxes(path: Path, classes: dict[int, str], keypoints: int, split: str, note: Note) -> list[Box]:
    if not path.is_file():
        return []
    try:
        lines = read_text(path).splitlines()
    except UserError as error:
        note(split, 'corrupt annotation file', path, str(error))
        return []
    boxes = []
    for number, line in enumerate(lines, start=1):
        where = f'{path}:{number}'
        words = line.split()
        if not words:
            continue
        try:
            label, *values = numbers(words)
        except ValueError as error:
            note(split, 'label line not numbers', where, str(error))
            continue
        corners = _corners(values, keypoints)
        if corners is None:
            note(split, 'label line of wrong length', where, f'{len(words)} numbers')
        elif label not in classes:
            note(split, 'class out of range', where, f'class {words[0]} of {len(classes)}')
        elif Box(classes[label], corners) in boxes:
            note(split, 'duplicate box', where)
        else:
            boxes.append(Box(classes[label], corners))
    return boxes


def _corners(values: Sequence[float], keypoints: int) -> tuple[float, ...] | None:
    """The box in shares: of the centre and size, or around a polygon."""
    if len(values) == 4 + keypoints:
        x, y, width, height = values[:4]
        return x - width / 2, y - height / 2, x + width / 2, y + height / 2
    if not keypoints and len(values) >= 6 and len(values) % 2 == 0:
        return around(pairs(values))
    return None


def _count_lonely_labels(root: Path, names: Sequence[str], split: str, note: Note) -> None:
    """Count label files whose picture is not there."""
    wanted = {_label_name(name) for name in names}
    for folder in sorted({Path(label).parent for label in wanted}):
        for path in sorted((root / folder).glob('*.txt')):
            known = path.relative_to(root).as_posix() in wanted or path.name in NO_LABELS
            if not known and not _has_picture(path):
                note(split, 'label file without image', path)


def _has_picture(path: Path) -> bool:
    """Whether a label file has a picture beside it or in ``images/``, perhaps of another split."""
    parts, places = path.parts, [path]
    for place in range(len(parts) - 2, -1, -1):
        if parts[place] == 'labels':
            places.append(Path(*parts[:place], 'images', *parts[place + 1 :]))
            break
    return any(place.with_suffix(suffix).exists() for place in places for suffix in PICTURE_SUFFIXES)
