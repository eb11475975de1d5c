"""Are a config's classes those of the annotation file?"""

import difflib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence

from ...utils.errors import UserError

# What classes were called before MMDetection 3, and what people write for it.
_OTHER_KEYS = ('class', 'classes', 'class_names', 'classnames', 'names', 'categories', 'cls')


def class_names(classes, key: str, metainfo: Mapping | None = None) -> list[str]:
    """The names that a config gives as classes.

    Args:
        classes: A list of names, or the path of a file with a name a line, as MMEngine takes it.
        key (str): Its config key.
        metainfo (Mapping, optional): The ``metainfo`` around it, where it has no key ``classes``.

    Raises:
        UserError: It is a word, which would be taken letter by letter; or ``metainfo`` has the classes
            under a key that nothing reads.
    """
    for other in metainfo or ():
        if other.lower() in _OTHER_KEYS:
            raise UserError(
                f'{key}.{other} is read by nothing, and classes that the data set knows by itself would '
                f'count: write metainfo=dict(classes={tuple(metainfo[other])})'
            )
    if isinstance(classes, str):
        if os.path.isfile(classes):
            with open(classes, encoding='utf-8') as file:
                return [line.rstrip('\r\n') for line in file]
        raise UserError(
            f'{key} is the word {classes!r}, whose letters would be classes: write '
            f"classes=('{classes}',) with a comma, or ['{classes}']"
        )
    return list(classes or ())


def check_classes(path: str, categories: list[dict], classes: Sequence[str]) -> None:
    """Check that the classes of a config are in the annotation file, in the same order.

    MMDetection numbers the labels in the file's order and leaves out what it doesn't find, so
    either fault gives wrong labels without a word.

    Raises:
        UserError: A class is missing, named twice, or stands elsewhere in the order.
    """
    in_file = [category['name'] for category in categories]
    _check_once(path, in_file, 'categories of the file', 'join them in the file')
    _check_once(path, classes, "metainfo['classes']", 'name each once')
    both = f'classes of the config: {list(classes)}; categories of the file: {in_file}'
    missing = [name for name in classes if name not in in_file]
    if missing:
        raise UserError(
            f'annotation file {path} has no category {missing} ({_paired(missing, in_file, classes)}): '
            f'write the names alike in the config (metainfo.classes) and in the file. {both}'
        )
    order = [name for name in in_file if name in classes]
    if order != list(classes):
        raise UserError(
            f'the classes of the config are in another order than in annotation file {path}, '
            f'which would mix up labels. Set metainfo=dict(classes={tuple(dict.fromkeys(order))}); '
            f'each name must be once in the file. {both}'
        )


def _check_once(path: str, names: Sequence, what: str, remedy: str) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UserError(f'annotation file {path}: {what} have {twice} more than once; {remedy}')


def _paired(missing: list, in_file: list, classes: Sequence) -> str:
    """Each missing name with the nearest of the file's that no class has taken, each used once."""
    free = [name for name in in_file if name not in classes]
    pairs = {}
    for cutoff in (1.0, 0.7):
        for name in missing:
            bare = {_bare(other): other for other in free}
            near = difflib.get_close_matches(_bare(name), bare, n=1, cutoff=cutoff)
            if name not in pairs and near:
                pairs[name] = f'is {_shown(bare[near[0]])} there'
                free.remove(bare[near[0]])
    rest = [name for name in missing if name not in pairs]
    if len(rest) == len(free) == 1:
        pairs[rest[0]] = f'may be {_shown(free[0])} there'
    return '; '.join(f'{_shown(name)} {pairs.get(name, "has no like there")}' for name in missing)


def _shown(name) -> str:
    """A name in quotes; accents that stand apart from their letters are spelt out."""
    if not isinstance(name, str):
        return f'the number {name}'
    return repr(name) if unicodedata.is_normalized('NFC', name) else ascii(name)


def _bare(name) -> str:
    """A name without case, blanks at its ends, and what joins its words."""
    name = unicodedata.normalize('NFKC', str(name)).strip().casefold()
    return '-'.join(re.split(r'[\s_-]+', name))
