"""Are a config's classes those of the annotation file?"""

from collections.abc import Sequence

from ...utils.errors import UserError


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
            f'annotation file {path} has no category {missing}. '
            f'Set metainfo=dict(classes=...) to names of the file. {both}'
        )
    order = [name for name in in_file if name in classes]
    if order != list(classes):
        raise UserError(
            f'the classes of the config are in another order than in annotation file {path}, '
            f'which would mix up labels. Set metainfo=dict(classes={tuple(dict.fromkeys(order))}); '
            f'each name must be once in the file. {both}'
        )
