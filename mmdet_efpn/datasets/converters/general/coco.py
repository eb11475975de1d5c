"""COCO's own format, checked again: sizes, names, ids and boxes; and what data sets made of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ....utils.errors import MissingFileError, UserError
from ..picture import Box, Note, Picture, Reading, ReadOptions
from ..picture_file import name_inside
from .files import from_size, numbers, read_json

FOLDERS = ('', 'images', 'Images', '{split}', 'images/{split}', '{split}/images', '{split}2017', 'img')


def _box(annotation: dict, name: str) -> Box:
    """A box as COCO has it; TypeError, KeyError or ValueError where it is none."""
    corners = from_size(*numbers(annotation['bbox']))
    area = None
    if annotation.get('segmentation') and isinstance(annotation.get('area'), int | float):
        (area,) = numbers((annotation['area'],))
        area = area if 0 < area <= (corners[2] - corners[0]) * (corners[3] - corners[1]) else None
    return Box(name, corners, bool(annotation.get('ignore')), bool(annotation.get('iscrowd')), area)


@dataclass
class Dialect:
    """How a data set's JSON differs from COCO's.

    Attributes:
        annotations: Key of the list of boxes.
        region_names: Categories that are ignored regions, in lower case.
        box: Makes a box of an annotation and its category's name.
        folders: Where pictures may lie, relative to the source; ``{split}`` is filled in.
    """

    annotations: tuple[str, ...] = ('annotations',)
    region_names: tuple[str, ...] = ()
    box: Callable[[dict, str], Box] = _box
    folders: Sequence[str] = FOLDERS


def recognise(source: Path) -> str:
    """What shows that a folder or file is COCO's, or an empty text."""
    for path in json_files(source):
        try:
            content = read_json(path)
        except UserError:
            continue
        if isinstance(content, dict) and {'images', 'annotations', 'categories'} <= set(content):
            return f'{path.name} has images, annotations and categories'
    return ''


def json_files(source: Path) -> list[Path]:
    """The source itself, or the JSON files in it and in ``annotations/``."""
    if source.is_file():
        return [source] if source.suffix.lower() == '.json' else []
    folders = (source, source / 'annotations', source / 'Annotations')
    return list(dict.fromkeys(path for folder in folders for path in sorted(folder.glob('*.json'))))


def root_of(source: Path) -> Path:
    """The data set's folder, where the source may be its annotation file."""
    if source.is_dir():
        return source
    return source.parent.parent if source.parent.name.lower() == 'annotations' else source.parent


def read(source: Path, options: ReadOptions, note: Note) -> Reading:
    """Read one annotation file, or all of a folder; each is a split, named as the file is.

    ``instances_`` and a year are left out of the name. Pictures are looked for in the folder, in
    ``images/``, and below these in a folder named as the split. Ids are given anew; entries with an id
    that was there already, boxes of unknown pictures or categories and null boxes are left out and
    counted. ``area`` is the box's, but where there is a mask its own is kept. Masks are left out.

    Source: cocodataset.org, "Data format".
    """
    files = chosen_files(source, options, json_files(source))
    if not files:
        raise MissingFileError(f'{source} has no JSON file, nor annotations/')
    return read_files(source, {split_name(path): path for path in files}, Dialect(), options, note)


def chosen_files(source: Path, options: ReadOptions, found: list[Path]) -> list[Path]:
    """The files that the user named, or those that were found."""
    root = root_of(source)
    if options.annotation_files:
        return [root / name_inside(name, root) for name in options.annotation_files]
    return found


def split_name(path: Path) -> str:
    """``train`` for ``instances_train2017.json``."""
    return path.stem.removeprefix('instances_').rstrip('0123456789') or path.stem


def read_files(
    source: Path, files: dict[str, Path], dialect: Dialect, options: ReadOptions, note: Note
) -> Reading:
    """Read several JSON files that have the same categories, one a split.

    Raises:
        UserError: A file isn't of the format, or two have different categories.
    """
    root = root_of(source)
    classes: dict[int, str] | None = None
    pictures: list[Picture] = []
    for split, path in files.items():
        if not options.wants(split):
            continue
        content = read_json(path)
        here = _categories(path, content)
        if classes is not None and here != classes:
            raise UserError(
                f'{path} has other categories than the files before: {here}, not {classes}; '
                'convert them one by one'
            )
        classes = here
        pictures += _read_content(root, path, content, here, split, dialect, note)
    if classes is None:
        raise UserError(f'no such split: {list(options.splits or ())}; there are {list(files)}')
    names = tuple(name for name in classes.values() if name.lower() not in dialect.region_names)
    return Reading(tuple(options.classes or names), pictures, root, bool(dialect.region_names))


def _categories(path: Path, content) -> dict[int, str]:
    try:
        entries = [(entry['id'], str(entry['name'])) for entry in content['categories']]
    except (KeyError, TypeError) as error:
        raise UserError(f'{path} is not in COCO format: {error!r}') from error
    odd = [number for number, _ in entries if not isinstance(number, int)]
    if odd:
        raise UserError(f'{path}: a category id must be a whole number, got {odd[0]!r}')
    ids, names = zip(*entries, strict=True) if entries else ((), ())
    for what, values in (('id', ids), ('name', names)):
        double = sorted({str(value) for value in values if values.count(value) > 1})
        if double:
            raise UserError(f'{path}: several categories have the {what} {", ".join(double)}')
    return dict(sorted(entries))


def _read_content(
    root: Path, path: Path, content: dict, classes: dict, split: str, dialect: Dialect, note: Note
) -> list[Picture]:
    entries = next((content[key] for key in dialect.annotations if key in content), None)
    if not isinstance(entries, list) or not isinstance(content.get('images'), list):
        raise UserError(f"{path} is not in COCO format: it has no lists 'images' and 'annotations'")
    pictures: dict = {}
    folder = None
    for number, image in enumerate(content['images']):
        try:
            image_id, name = image['id'], image.get('file_name') or image['filename']
            hash(image_id)
            window = _window(image)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            note(split, 'bad image entry', path, f'entry {number}: {error!r}')
            continue
        if image_id in pictures:
            note(split, 'duplicate image id', path, f'{image_id}: {name}')
            continue
        name_inside(str(name), root)
        if folder is None or not (root / folder / str(name)).is_file():
            folder = _folder(root, str(name), split, dialect.folders, folder)
        pictures[image_id] = Picture(
            split,
            name_inside(str(name), root, folder),
            label_size=_size(image),
            window=window,
        )
    seen = set()
    for annotation in entries:
        _add(annotation, pictures, classes, seen, split, path, dialect, note)
    return list(pictures.values())


def _add(annotation, pictures, classes, seen, split, path, dialect, note) -> None:
    """Add one annotation to its picture, or count what is wrong with it."""
    number = annotation.get('id') if isinstance(annotation, dict) else annotation
    try:
        hash(number)
        picture = pictures.get(annotation['image_id'])
        name = classes.get(annotation['category_id'])
        if picture is None:
            note(split, 'unknown image', path, f'annotation {number}')
            return
        if name is None:
            note(split, 'unknown category', path, f'annotation {number}: {annotation["category_id"]}')
            return
        box = dialect.box(annotation, name)
    except (KeyError, TypeError, ValueError) as error:
        note(split, 'bad box', path, f'annotation {number}: {error!r}')
        return
    if number is not None and number in seen:
        note(split, 'duplicate annotation id', path, f'{number}')
        return
    seen.add(number)
    if name.lower() in dialect.region_names:
        box = box._replace(name=None, ignore=True, crowd=True)
    picture.boxes.append(box)


def _folder(root: Path, name: str, split: str, folders: Sequence[str], last: str | None) -> str:
    """The folder in which a picture lies; without one, that of the picture before."""
    tries = [folder.format(split=split) for folder in folders]
    return next((folder for folder in tries if (root / folder / name).is_file()), last or '')


def _window(image: dict) -> tuple[int, int, int, int] | None:
    """The part of a picture that an entry is about, as TinyPerson's corner files have it."""
    if not image.get('corner'):
        return None
    x1, y1, x2, y2 = numbers(image['corner'])
    if not all(isinstance(value, int) for value in (x1, y1, x2, y2)):
        raise ValueError(f'corner {image["corner"]} is not in whole pixels')
    return x1, y1, x2, y2


def _size(image: dict) -> tuple[int, int] | None:
    try:
        width, height = numbers((image.get('width'), image.get('height')))
    except (TypeError, ValueError):
        return None
    return (int(width), int(height)) if width > 0 and height > 0 else None
