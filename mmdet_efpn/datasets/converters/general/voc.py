"""Pascal VOC: one XML a picture.

Own reader, as for all formats here, after a look at three libraries. globox 2.9 reads VOC, YOLO,
LabelMe, CVAT and Open Images, but takes VOC's sizes from the labels, stops at the first fault, keeps no
``difficult`` or group flags and never looks at pictures without a label file. supervision 0.31 stops
at the first fault and keeps no flags either. datumaro 1.13 asks for NumPy 2.2, pandas, pyarrow and
lxml beside what MMDetection needs.
"""

import xml.etree.ElementTree as ET
from pathlib import Path

from ....utils.errors import MissingFileError, UserError
from ..picture import PICTURE_SUFFIXES, Box, Note, Picture, Reading, ReadOptions
from ..picture_file import name_inside
from .files import class_list, first_folder, folders_with, numbers, pictures_in, read_text

PICTURE_FOLDERS = ('JPEGImages', 'images', 'Images', 'imgs', 'img')


def recognise(source: Path) -> str:
    """What shows that a folder is VOC's, or an empty text."""
    for folder in folders_with(source, '*.xml'):
        for path in sorted(folder.glob('*.xml'))[:3]:
            try:
                root = ET.parse(path).getroot()
            except ET.ParseError:
                continue
            if root.tag == 'annotation':
                return f'{path.relative_to(source)} begins with <annotation>'
    return ''


def read(source: Path, options: ReadOptions, note: Note) -> Reading:
    """Read ``Annotations/*.xml``, ``JPEGImages/`` and the lists in ``ImageSets/Main/``, if any.

    Folders such as ``VOC2007`` and ``VOC2012`` below ``source`` are taken together. Without lists a
    folder named ``train``, ``val`` or ``test`` is a split, else all is one split, ``all``. Objects
    marked ``difficult`` are ignored. A picture whose XML is missing is left out and counted.

    Source: Everingham et al., "The Pascal Visual Object Classes Challenge", IJCV 2010.
    """
    folders = folders_with(source, '*.xml')
    if not folders:
        raise MissingFileError(f'{source} has no XML file: is it the folder of a VOC data set?')
    pictures: list[Picture] = []
    for folder in folders:
        pictures += _read_folder(source, folder, options, note)
    names = {box.name for picture in pictures for box in picture.boxes}
    return Reading(class_list(source, options.classes, names), pictures, source)


def _read_folder(source: Path, folder: Path, options: ReadOptions, note: Note) -> list[Picture]:
    base = folder.parent if folder.name.lower() in ('annotations', 'xml', 'labels') else folder
    lists = sorted((base / 'ImageSets' / 'Main').glob('*.txt'))
    lists = [path for path in lists if path.stem in ('train', 'val', 'trainval', 'test')]
    if any(path.stem in ('train', 'val') for path in lists) and not options.splits:
        lists = [path for path in lists if path.stem != 'trainval']
    pictures_folder = first_folder(base, PICTURE_FOLDERS)
    pictures_folder = base / pictures_folder if pictures_folder else folder
    by_stem = {Path(name).stem: name for name in pictures_in(pictures_folder, source, deep=False)}
    if lists:
        stems = [
            (path.stem, line.split()[0])
            for path in lists
            for line in read_text(path).splitlines()
            if line.strip()
        ]
    else:
        known = base.name if base.name in ('train', 'valid', 'val', 'test') else 'all'
        labels = {path.stem for path in folder.glob('*.xml')}
        stems = [(known, stem) for stem in sorted(labels | set(by_stem))]
    pictures = []
    for split, stem in stems:
        if not options.wants(split):
            continue
        path = Path(folder, f'{stem}.xml')
        name_inside(path.relative_to(source).as_posix(), source)
        picture = _read_xml(source, path, split, by_stem, pictures_folder, options, note)
        if picture:
            pictures.append(picture)
    return pictures


def _read_xml(
    source: Path,
    path: Path,
    split: str,
    by_stem: dict[str, str],
    folder: Path,
    options: ReadOptions,
    note: Note,
) -> Picture | None:
    try:
        root = ET.fromstring(read_text(path))
    except MissingFileError:
        note(split, 'missing annotation file', path)
        return None
    except (ET.ParseError, UserError) as error:
        note(split, 'corrupt annotation file', path, str(error))
        return None
    file_name = _file_name(source, path, root.findtext('filename') or '', by_stem, folder, split, note)
    boxes = []
    for number, item in enumerate(root.iter('object'), start=1):
        name = (item.findtext('name') or '').strip()
        try:
            bounds = item.find('bndbox')
            corners = numbers(bounds.findtext(key) for key in ('xmin', 'ymin', 'xmax', 'ymax'))
            if not name:
                raise ValueError('no name')
        except (AttributeError, TypeError, ValueError) as error:
            note(split, 'bad box', path, f'object {number}: {error}')
            continue
        if options.one_based:
            corners = (corners[0] - 1, corners[1] - 1, corners[2], corners[3])
        boxes.append(Box(name, corners, ignore=(item.findtext('difficult') or '').strip() == '1'))
    return Picture(split, file_name, boxes, _size(root))


def _file_name(
    source: Path, path: Path, said: str, by_stem: dict[str, str], folder: Path, split: str, note: Note
) -> str:
    """The picture's name: the label's, if there is such a file, else that of the label file itself."""
    place = folder.relative_to(source).as_posix()
    own = by_stem.get(path.stem)
    if not said.strip():
        return own or f'{place}/{path.stem}.jpg'
    name = name_inside(said, source, place)
    if own and Path(name).stem != path.stem:
        note(split, 'file name replaced', path, f'says {said}, beside it lies {own}')
        return own
    if (source / name).is_file() or own is None:
        return name
    return own if Path(name).suffix.lower() in (*PICTURE_SUFFIXES, '') else name


def _size(root: ET.Element) -> tuple[int, int] | None:
    try:
        width, height = numbers(root.findtext(f'size/{key}') for key in ('width', 'height'))
    except (TypeError, ValueError):
        return None
    return (int(width), int(height)) if width > 0 and height > 0 else None
