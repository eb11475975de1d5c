"""LabelMe: one JSON a picture. Own reader: see ``voc.py``; globox reads LabelMe's rectangles only."""

import json
from pathlib import Path

from ....utils.errors import MissingFileError, UserError
from ..picture import Box, Note, Picture, Reading, ReadOptions
from ..picture_file import name_inside
from .files import around, class_list, folders_with, numbers, pictures_in, read_json


def recognise(source: Path) -> str:
    """What shows that a folder is LabelMe's, or an empty text."""
    for folder in folders_with(source, '*.json'):
        for path in sorted(folder.glob('*.json'))[:3]:
            try:
                content = read_json(path)
            except UserError:
                continue
            if isinstance(content, dict) and 'shapes' in content and 'imagePath' in content:
                return f'{path.relative_to(source)} has shapes and imagePath'
    return ''


def read(source: Path, options: ReadOptions, note: Note) -> Reading:
    """Read every JSON file with ``shapes``; ``imagePath`` is relative to it.

    Rectangles, polygons and circles become boxes; shapes of one label with the same ``group_id`` are
    one object. Points and lines have no box: they are counted. A shape with the flag ``difficult`` is
    ignored. A picture without a JSON file was not labelled: it is left out and counted. Folders named
    ``train``, ``val`` or ``test`` are splits, else all is one split, ``all``.

    Source: the files that LabelMe 5 writes.
    """
    paths = [path for folder in folders_with(source, '*.json') for path in sorted(folder.glob('*.json'))]
    if not paths:
        raise MissingFileError(f'{source} has no JSON file: is it a folder of LabelMe?')
    pictures, labelled = [], set()
    for path in paths:
        split = split_of(path.relative_to(source))
        if not options.wants(split):
            continue
        try:
            content = read_json(path)
            said, shapes = content['imagePath'], content['shapes']
            if not isinstance(shapes, list):
                raise TypeError('shapes is no list')
        except UserError as error:
            note(split, 'corrupt annotation file', path, str(error))
            continue
        except (KeyError, TypeError) as error:
            note(split, 'not a LabelMe file', path, repr(error))
            continue
        place = path.parent.relative_to(source).as_posix()
        file_name = name_inside(str(said), source, place)
        labelled.add(file_name)
        boxes = _boxes(path, shapes, split, note)
        pictures.append(Picture(split, file_name, boxes, _size(content)))
    for folder in sorted({path.parent for path in paths}):
        for name in pictures_in(folder, source, deep=False):
            if name not in labelled and options.wants(split_of(Path(name))):
                note(split_of(Path(name)), 'image without label file', name)
    names = {box.name for picture in pictures for box in picture.boxes}
    return Reading(class_list(source, options.classes, names), pictures, source)


def split_of(path: Path) -> str:
    """The split that a file's folders name, or ``all``."""
    return next((part for part in path.parts[:-1] if part in ('train', 'val', 'test')), 'all')


def _boxes(path: Path, shapes: list, split: str, note: Note) -> list[Box]:
    boxes: list[Box] = []
    groups: dict[tuple, int] = {}
    for number, shape in enumerate(shapes, start=1):
        try:
            kind = shape.get('shape_type') or 'polygon'
            corners = _corners(kind, [numbers(point) for point in shape['points']])
            name = str(shape['label'])
            flags = shape.get('flags') or {}
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            note(split, 'bad box', path, f'shape {number}: {error!r}')
            continue
        if corners is None:
            note(split, 'shape without box', path, f'shape {number} is a {kind}')
            continue
        hard = bool(shape.get('difficult') or flags.get('difficult') or flags.get('ignore'))
        key = (name, json.dumps(shape.get('group_id')))
        if shape.get('group_id') is not None and key in groups:
            first = boxes[groups[key]]
            together = around([first.corners[:2], first.corners[2:], corners[:2], corners[2:]])
            boxes[groups[key]] = first._replace(corners=together, ignore=first.ignore or hard)
            continue
        groups[key] = len(boxes)
        boxes.append(Box(name, corners, ignore=hard))
    return boxes


def _corners(kind: str, points: list[tuple]) -> tuple[float, ...] | None:
    """The box around a shape; None for one that has no area by its kind."""
    if kind == 'circle':
        (x, y), (edge_x, edge_y) = points
        radius = ((edge_x - x) ** 2 + (edge_y - y) ** 2) ** 0.5
        return x - radius, y - radius, x + radius, y + radius
    if kind in ('rectangle', 'polygon', 'rotation', 'mask') and len(points) >= 2:
        return around(points)
    return None


def _size(content: dict) -> tuple[int, int] | None:
    try:
        width, height = numbers((content.get('imageWidth'), content.get('imageHeight')))
    except (TypeError, ValueError):
        return None
    return (int(width), int(height)) if width > 0 and height > 0 else None
