"""Annotations that stand for regions which neither train nor count."""

from collections.abc import Collection, Iterable

_NO = ('', '0', 'false', 'no')


def is_ignored(annotation: dict, uncertain_too: bool = False) -> bool:
    """Whether an annotation is a region that doesn't count: crowd, ``ignore``, or ``uncertain``."""
    keys = ('iscrowd', 'ignore', 'uncertain') if uncertain_too else ('iscrowd', 'ignore')
    return any(annotation.get(key) for key in keys)


def flags_as_numbers(annotations: Iterable[dict]) -> None:
    """Writes ``iscrowd`` and ``ignore`` as 0 or 1, in place, where they are text or null."""
    for entry in annotations:
        for key in ('iscrowd', 'ignore'):
            if key in entry:
                flag = entry[key]
                flag = flag.strip().lower() not in _NO if isinstance(flag, str) else flag
                entry[key] = int(bool(flag))


def regions_of_all_classes(annotations: Iterable[dict], cat_ids: Collection) -> list[dict]:
    """Ignored annotations that stand for no class, and so for all.

    They are of a category outside ``cat_ids`` of which every annotation is ignored, such as VisDrone's
    "ignored regions".
    """
    known = set(cat_ids)
    outside = [entry for entry in annotations if entry['category_id'] not in known]
    counting = {entry['category_id'] for entry in outside if not is_ignored(entry)}
    return [entry for entry in outside if entry['category_id'] not in counting]
