"""Is each id of a COCO file there once, and written alike wherever it is named?"""

from collections import Counter

from ...utils.errors import UserError

SHOWN = 3


def check_ids(path: str, content: dict) -> None:
    """Checks that no id stands twice, and that annotations name images and categories by their kind.

    Raises:
        UserError: An id is there twice, or is text in one list and a number in another.
    """
    for part, name in (('images', 'file_name'), ('categories', 'name'), ('annotations', 'image_id')):
        counts = Counter(_plain(entry['id']) for entry in content[part])
        twice = [number for number, count in counts.items() if count > 1]
        if twice:
            owners = [entry[name] for entry in content[part] if _plain(entry['id']) == twice[0]]
            raise UserError(
                f"annotation file {path}: {len(twice)} ids stand twice in '{part}', the first is "
                f'{twice[0]} (of {name} {", ".join(map(repr, owners[:SHOWN]))}); files that were merged '
                'need new ids'
            )
    for key, part in (('image_id', 'images'), ('category_id', 'categories')):
        _check_kind(path, content, key, part)


def ids_said(content: dict) -> list[str]:
    """What to tell of pictures and boxes that stand twice under ids of their own."""
    files = Counter(entry['file_name'] for entry in content['images'])
    boxes = Counter(
        (entry['image_id'], entry['category_id'], *entry['bbox']) for entry in content['annotations']
    )
    said = []
    if twice := [name for name, count in files.items() if count > 1]:
        said.append(
            f'{len(twice)} picture files are listed more than once, so that boxes of one entry are '
            f'background in another: {", ".join(twice[:SHOWN])}'
        )
    if copies := sum(boxes.values()) - len(boxes):
        said.append(f'{copies} boxes are copies of another one: the same picture, class and place')
    return said


def _plain(number) -> str:
    """An id as text, in which 1, 1.0 and "1" are one."""
    whole = isinstance(number, float) and number.is_integer()
    return str(int(number) if whole else number)


def _check_kind(path: str, content: dict, key: str, part: str) -> None:
    """Raises an error for an id that is text in annotations and a number in its own list, or so."""
    known = {entry['id'] for entry in content[part]}
    as_text = {_plain(number): number for number in known}
    wrong = [
        entry[key]
        for entry in content['annotations']
        if entry[key] not in known and _plain(entry[key]) in as_text
    ]
    if wrong:
        raise UserError(
            f'annotation file {path}: {key} is {wrong[0]!r} in {len(wrong)} of '
            f"{len(content['annotations'])} annotations, but '{part}' has "
            f'{as_text[_plain(wrong[0])]!r}: write both as numbers'
        )
