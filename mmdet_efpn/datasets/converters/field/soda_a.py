"""SODA-A: small objects seen from the air, as polygons; upright boxes are made of them."""

from pathlib import Path

from ....utils.errors import MissingFileError, UserError
from ...class_names import SODA_A_CLASSES
from ..general.files import around, first_folder, folders_with, numbers, pairs, read_json
from ..picture import Box, Note, Picture, Reading, ReadOptions

REGION = len(SODA_A_CLASSES)  # category 9, "ignore"


def _is_soda_a(content) -> bool:
    return (
        isinstance(content, dict)
        and isinstance(content.get('annotations'), list)
        and any(isinstance(entry, dict) and 'poly' in entry for entry in content['annotations'])
    )


def recognise(source: Path) -> str:
    """What shows that a folder is SODA-A's, or an empty text."""
    for folder in folders_with(source, '*.json'):
        for path in sorted(folder.glob('*.json'))[:5]:
            try:
                if _is_soda_a(read_json(path)):
                    return f'{path.relative_to(source)} has annotations with poly'
            except UserError:
                continue
    return ''


def read(source: Path, options: ReadOptions, note: Note) -> Reading:
    """Read ``SPLIT/Annotations/*.json`` or ``Annotations/SPLIT/*.json``, one a picture.

    Pictures lie in ``Images/`` beside ``Annotations/``. A polygon becomes the upright box around it.
    Category 9 is regions that are ignored for all classes.

    Source: Cheng et al., "Towards Large-Scale Small Object Detection", TPAMI 2023;
    the data set class of SODA-mmrotate.
    """
    paths = [path for folder in folders_with(source, '*.json') for path in sorted(folder.glob('*.json'))]
    if not paths:
        raise MissingFileError(f'{source} has no Annotations/*.json')
    pictures = []
    for path in paths:
        parts = path.relative_to(source).parts[:-1]
        split = next((part for part in parts if part in ('train', 'val', 'test')), 'all')
        if not options.wants(split):
            continue
        try:
            content = read_json(path)
            entries = list(content['annotations'])
        except (KeyError, TypeError, UserError) as error:
            note(split, 'corrupt annotation file', path, str(error))
            continue
        boxes = [_box(entry, path, split, note) for entry in entries]
        name = _picture_name(source, path, split)
        pictures.append(Picture(split, name, [box for box in boxes if box], _size(content)))
    return Reading(SODA_A_CLASSES, pictures, source, regions=True)


def _picture_name(source: Path, path: Path, split: str) -> str:
    base = next((folder for folder in path.parents if folder.name.lower() == 'annotations'), path.parent)
    base = base.parent
    folder = first_folder(base, (f'Images/{split}', f'images/{split}', 'Images', 'images')) or ''
    found = [base / folder / f'{path.stem}{suffix}' for suffix in ('.jpg', '.png', '.jpeg', '.bmp')]
    return next((file for file in found if file.is_file()), found[0]).relative_to(source).as_posix()


def _box(entry, path: Path, split: str, note: Note) -> Box | None:
    try:
        corners = around(pairs(numbers(entry['poly'])))
        category = entry['category_id'] if 'category_id' in entry else entry['cat_id']
        (category,) = numbers((category,))
    except (KeyError, TypeError, ValueError) as error:
        number = entry.get('id') if isinstance(entry, dict) else entry
        note(split, 'bad box', path, f'annotation {number}: {error!r}')
        return None
    if category == REGION:
        return Box(None, corners, ignore=True, crowd=True)
    known = category in range(REGION)
    name = SODA_A_CLASSES[category] if known else f'category {category}'
    return Box(name, corners, ignore=bool(entry.get('ignore')))


def _size(content: dict) -> tuple[int, int] | None:
    image = content.get('images')
    image = image[0] if isinstance(image, list) and image else image
    try:
        width, height = numbers((image['width'], image['height']))
    except (KeyError, TypeError, ValueError):
        return None
    return int(width), int(height)
