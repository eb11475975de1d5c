"""Is each id of a COCO file there once, and written alike wherever it is named?"""

from collections import Counter

from ...utils.errors import UserError


def check_ids(path: str, content: dict) -> None:
    """Checks that no id stands twice, and that annotations name images and categories by their kind.

    Raises:
        UserError: An id is there twice, or is text in one list and a number in another.
    """
    for part, name in (('images', 'file_name'), ('categories', 'name'), ('annotations', None)):
        counts = Counter(str(entry['id']) for entry in content[part])
        twice = [number for number, count in counts.items() if count > 1]
        if twice:
            owners = [
                f'{entry[name]!r}' for entry in content[part] if name and str(entry['id']) == twice[0]
            ]
            raise UserError(
                f"annotation file {path}: {len(twice)} ids stand twice in '{part}', the first is "
                f'{twice[0]}'
                + (f' (of {", ".join(owners)})' if owners else '')
                + '; files that were merged need new ids'
            )
    for key, part in (('image_id', 'images'), ('category_id', 'categories')):
        _check_kind(path, content, key, part)


def _check_kind(path: str, content: dict, key: str, part: str) -> None:
    """Raises an error for an id that is text in annotations and a number in its own list, or so."""
    known = {entry['id'] for entry in content[part]}
    as_text = {str(number): number for number in known}
    wrong = [
        entry[key]
        for entry in content['annotations']
        if entry[key] not in known and str(entry[key]) in as_text
    ]
    if wrong:
        raise UserError(
            f'annotation file {path}: {key} is {wrong[0]!r} in {len(wrong)} of '
            f"{len(content['annotations'])} annotations, but '{part}' has "
            f'{as_text[str(wrong[0])]!r}: write both as numbers'
        )
