"""Are a config's classes those of the annotation file?"""

import difflib
import os
from collections.abc import Sequence

from ...utils.errors import UserError


def check_class_names(classes, key: str) -> None:
    """Checks that ``classes`` is a list of names, and no single word.

    Args:
        classes: What a config gives; MMEngine also takes the path of a file with a name a line.
        key (str): Its config key.

    Raises:
        UserError: It is a word, which would be taken letter by letter.
    """
    if isinstance(classes, str) and not os.path.isfile(classes):
        raise UserError(
            f'{key} is the word {classes!r}, whose letters would be classes: write '
            f"classes=('{classes}',) with a comma, or ['{classes}']"
        )


def check_classes(path: str, categories: list[dict], classes: Sequence[str]) -> None:
    """Check that the classes of a config are in the annotation file, in the same order.

    MMDetection numbers the labels in the file's order and leaves out what it doesn't find, so
    either fault gives wrong labels without a word.

    Raises:
        UserError: A class is missing, named twice, or stands elsewhere in the order.
    """
    in_file = [category['name'] for category in categories]
    both = f'classes of the config: {list(classes)}; categories of the file: {in_file}'
    missing = [name for name in classes if name not in in_file]
    if missing:
        raise UserError(
            f'annotation file {path} has no category {missing}{_paired(missing, in_file, classes)}. '
            f'Set metainfo=dict(classes=...) to names of the file. {both}'
        )
    order = [name for name in in_file if name in classes]
    if order != list(classes):
        raise UserError(
            f'the classes of the config are in another order than in annotation file {path}, '
            f'which would mix up labels. Set metainfo=dict(classes={tuple(dict.fromkeys(order))}); '
            f'each name must be once in the file. {both}'
        )


def _paired(missing: list[str], in_file: list[str], classes: Sequence[str]) -> str:
    """Each missing name with the nearest of the file's that no class has taken."""
    free = {_bare(name): name for name in in_file if name not in classes}
    said = []
    for name in missing:
        near = difflib.get_close_matches(_bare(name), free, n=1, cutoff=0.7)
        if near:
            said.append(f'{name!r} is {free[near[0]]!r} there')
        elif len(missing) == len(free) == 1:
            said.append(f'{name!r} may be {next(iter(free.values()))!r} there')
        else:
            said.append(f'{name!r} has no like there')
    return f' ({"; ".join(said)})'


def _bare(name) -> str:
    """A name without case, blanks at its ends, and what joins its words."""
    return str(name).strip().lower().replace('_', '-').replace(' ', '-')
