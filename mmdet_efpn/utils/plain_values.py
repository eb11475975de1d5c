"""Configs as data: nested dicts, lists and tuples of plain values."""

from typing import Any

import numpy as np

from .errors import UserError

_PLAIN = (type(None), bool, int, float, str)


def plain_values(value: Any, where: str) -> Any:
    """A copy of a config, or of a part of one, that holds plain values alone.

    Args:
        value: ``Config.to_dict()``, or a part of it.
        where: Its config key, for messages.

    Raises:
        UserError: A value is an object; the message has its key.

    >>> plain_values(dict(scale=(1333, 800), lr=np.float64(0.5)), 'cfg')
    {'scale': (1333, 800), 'lr': 0.5}
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, (str, int)):
                raise UserError(f'{where} has the key {key!r}, which is no text or number')
        return {key: plain_values(child, f'{where}.{key}') for key, child in value.items()}
    if isinstance(value, (list, tuple)):
        children = [plain_values(child, f'{where}[{place}]') for place, child in enumerate(value)]
        return children if isinstance(value, list) else tuple(children)
    if type(value) in _PLAIN:
        return value
    for kind in (int, float, str):  # of classes that inherit from these
        if isinstance(value, kind):
            return kind(value)
    raise UserError(
        f'{where} is a {type(value).__name__}, not a plain value: a packed model holds text, numbers, '
        'lists and dicts alone; write it as such in the config'
    )
