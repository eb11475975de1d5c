"""CVAT for images 1.1: one XML for all pictures.

Own reader: see ``voc.py``; globox reads CVAT's boxes only, without rotation, polygons and subsets.
"""

import math
import xml.etree.ElementTree as ET
from pathlib import Path

from ....utils.errors import MissingFileError, UserError
from ..picture import Box, Note, Picture, Reading, ReadOptions
from ..picture_file import name_inside
from .files import around, class_list, numbers, read_text

HARD = ('difficult', 'ignore', 'iscrowd')  # attributes of a shape, as VOC and COCO name them
LABELS = 'meta/*/labels/label/name'


def _xml_of(source: Path) -> Path | None:
    """The source itself, ``annotations.xml``, or the only XML of the folder."""
    if source.is_file():
        return source if source.suffix.lower() == '.xml' else None
    if (source / 'annotations.xml').is_file():
        return source / 'annotations.xml'
    found = sorted(source.glob('*.xml'))
    return found[0] if len(found) == 1 else None


def recognise(source: Path) -> str:
    """What shows that a folder is CVAT's, or an empty text."""
    path = _xml_of(source)
    if path:
        try:
            if ET.parse(path).getroot().tag == 'annotations':
                return f'{path.name} begins with <annotations>'
        except ET.ParseError:
            pass
    return ''


def read(source: Path, options: ReadOptions, note: Note) -> Reading:
    """Read ``annotations.xml`` and the pictures beside it or in ``images/``.

    Boxes (rotated ones too), polygons, ellipses and masks become upright boxes; points and lines are
    counted. A shape with the attribute ``difficult``, ``ignore`` or ``iscrowd`` set is ignored. A
    picture's ``subset`` is its split, else ``all``.

    Source: CVAT's documentation, "CVAT for images", format 1.1.
    """
    path = _xml_of(source)
    if path is None:
        raise MissingFileError(f'{source} has no annotations.xml, nor one XML alone')
    root_folder = path.parent
    try:
        root = ET.fromstring(read_text(path))
    except ET.ParseError as error:
        raise UserError(f'{path} is no valid XML: {error}') from error
    if root.tag != 'annotations':
        raise UserError(f'{path} begins with <{root.tag}>, not <annotations>: it is not of CVAT')
    if root.find('track') is not None:
        raise UserError(f'{path} is of CVAT for video; export the task as "CVAT for images 1.1"')
    pictures = []
    for image in root.iter('image'):
        split = (image.get('subset') or 'all').lower()
        if options.wants(split):
            boxes = _boxes(path, image, split, note)
            file_name = _file_name(root_folder, image)
            pictures.append(Picture(split, file_name, boxes, _size(image)))
    named = [(label.text or '').strip() for label in root.findall(LABELS)]
    found = {box.name for picture in pictures for box in picture.boxes}
    classes = class_list(source, options.classes or list(dict.fromkeys(filter(None, named))), found)
    return Reading(classes, pictures, root_folder)


def _file_name(root: Path, image: ET.Element) -> str:
    name = name_inside(image.get('name') or '', root)
    subset = image.get('subset') or ''
    tries = [name, f'images/{name}', f'images/{subset}/{name}', f'{subset}/{name}']
    return next((found for found in tries if (root / found).is_file()), name)


def _boxes(path: Path, image: ET.Element, split: str, note: Note) -> list[Box]:
    boxes = []
    for number, shape in enumerate(image, start=1):
        if shape.get('label') is None:
            continue
        where, detail = f'{path}: {image.get("name")}', f'shape {number}, {shape.tag}'
        try:
            corners = _corners(shape)
        except (TypeError, ValueError) as error:
            note(split, 'bad box', where, f'{detail}: {error}')
            continue
        if corners is None:
            note(split, 'shape without box', where, detail)
            continue
        marks = {entry.get('name'): (entry.text or '').strip().lower() for entry in shape}
        hard = any(marks.get(name) in ('true', '1', 'yes') for name in HARD)
        boxes.append(Box(shape.get('label'), corners, ignore=hard, crowd=hard and 'iscrowd' in marks))
    return boxes


def _corners(shape: ET.Element) -> tuple[float, ...] | None:
    """The upright box around a shape; None where its kind has no area."""
    kind, get = shape.tag, shape.get
    if kind == 'box':
        x1, y1, x2, y2 = numbers(get(key) for key in ('xtl', 'ytl', 'xbr', 'ybr'))
        return turned((x1, y1, x2, y2), *numbers((get('rotation') or 0,)))
    if kind == 'ellipse':
        x, y, rx, ry = numbers(get(key) for key in ('cx', 'cy', 'rx', 'ry'))
        (angle,) = numbers((get('rotation') or 0,))
        cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        half_width, half_height = math.hypot(rx * cos, ry * sin), math.hypot(rx * sin, ry * cos)
        return x - half_width, y - half_height, x + half_width, y + half_height
    if kind == 'mask':
        x, y, width, height = numbers(get(key) for key in ('left', 'top', 'width', 'height'))
        return x, y, x + width, y + height
    if kind == 'polygon':
        return around([numbers(point.split(',')) for point in (get('points') or '').split(';')])
    return None


def turned(corners: tuple[float, float, float, float], degrees: float) -> tuple[float, ...]:
    """The upright box around a box that is turned about its centre.

    >>> [round(value) for value in turned((0, 10, 40, 30), 90)]
    [10, 0, 30, 40]
    """
    if degrees % 360 == 0:
        return corners
    x1, y1, x2, y2 = corners
    cos, sin = abs(math.cos(math.radians(degrees))), abs(math.sin(math.radians(degrees)))
    half_width = ((x2 - x1) * cos + (y2 - y1) * sin) / 2
    half_height = ((x2 - x1) * sin + (y2 - y1) * cos) / 2
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    return x - half_width, y - half_height, x + half_width, y + half_height


def _size(image: ET.Element) -> tuple[int, int] | None:
    try:
        width, height = numbers(image.get(key) for key in ('width', 'height'))
    except (TypeError, ValueError):
        return None
    return (int(width), int(height)) if width > 0 and height > 0 else None
