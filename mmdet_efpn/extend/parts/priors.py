"""Anchors and points for an extended pyramid: each setting that has an entry a level gets finer ones."""

import itertools
from collections.abc import Sequence

from mmdet.registry import TASK_UTILS

from ..probe import plain_type
from ..report import CannotExtendError
from .pyramid import Levels

# How far a stride may be from the level's own: YOLACT's are the picture's 550 px over the cells.
TOLERANCE = 0.25
BY_LEVEL = ('base_sizes', 'centers', 'min_sizes', 'max_sizes')
GROWING_BY_RATIO = ('SSDAnchorGenerator', 'LegacySSDAnchorGenerator')


def strides_from(strides, levels: Levels, key: str) -> list:
    """Strides with those of the added levels in front; each a number or a pair.

    Raises:
        CannotExtendError: They are not those of the plain pyramid.
    """
    sides = [stride if isinstance(stride, (list, tuple)) else (stride, stride) for stride in strides]
    fits = len(sides) == len(levels.plain) and all(
        abs(side - level) <= TOLERANCE * level
        for pair, level in zip(sides, levels.plain, strict=True)
        for side in pair
    )
    if not fits:
        raise CannotExtendError(
            f'{key} is {list(strides)}, but the levels of model.neck have strides {list(levels.plain)}'
        )
    return finer_entries(strides, len(levels.added))


def finer_entries(entries: Sequence, num_added: int) -> list:
    """A list with an entry a level, with halves of its first in front.

    Example:
        >>> finer_entries([8, 16], 2)
        [2, 4, 8, 16]
        >>> finer_entries([(7.5, 7.5), (15.0, 15.0)], 1)
        [(3.75, 3.75), (7.5, 7.5), (15.0, 15.0)]
        >>> finer_entries([[(10, 13), (16, 30)]], 1)
        [[(5, 6.5), (8, 15)], [(10, 13), (16, 30)]]
    """
    added = list(itertools.accumulate(range(num_added), lambda e, _: halved(e), initial=entries[0]))
    return [*reversed(added[1:]), *entries]


def halved(value):
    """Half of a number, or of each number in a list; a whole number where it comes out even."""
    if isinstance(value, (list, tuple)):
        return type(value)(halved(part) for part in value)
    return value // 2 if isinstance(value, int) and value % 2 == 0 else value / 2


def extend_prior_generator(generator: dict, levels: Levels, key: str) -> dict:
    """Anchors or points with the added levels in front; anchors grow with the stride.

    Args:
        generator (dict): Config of a prior generator; its settings may be one a level.
        levels (Levels): The pyramids.
        key (str): Its config key, for the message.

    Raises:
        CannotExtendError: Its strides are not the pyramid's, or it has another number of entries.
    """
    count = len(levels.added)
    extended = dict(generator, strides=strides_from(generator['strides'], levels, f'{key}.strides'))
    if plain_type(generator) in GROWING_BY_RATIO:
        extended.update(_sizes_by_level(generator))
        ratios = list(generator['ratios'])
        extended['ratios'] = [*[ratios[0]] * count, *ratios]
    for name in BY_LEVEL:
        entries = extended.get(name)
        if entries is None:
            continue
        if len(entries) != len(levels.plain):
            raise CannotExtendError(
                f'{key}.{name} has {len(entries)} entries, but there are {len(levels.plain)} levels, of '
                f'strides {list(levels.plain)}'
            )
        extended[name] = finer_entries(entries, count)
    return extended


def _sizes_by_level(generator: dict) -> dict:
    """The sizes that an SSD generator works out from its range, which another level would change."""
    if generator.get('min_sizes') is not None:
        return {}
    built = TASK_UTILS.build(dict(generator))
    # The second anchor of a level is sqrt(largest / smallest) times the first.
    max_sizes = [
        round(size * float(scales[1]) ** 2, 4)
        for size, scales in zip(built.base_sizes, built.scales, strict=True)
    ]
    return dict(min_sizes=[*built.base_sizes], max_sizes=max_sizes)


def smallest_anchor(generator: dict) -> float | None:
    """Side in pixels of the smallest square anchor, where sizes and scales tell it."""
    scales = generator.get('scales') or [generator.get('octave_base_scale')]
    sizes = generator.get('base_sizes') or generator.get('strides')
    if not sizes or None in scales:
        return None
    sides = sizes[0] if isinstance(sizes[0], (list, tuple)) else [sizes[0]]
    if any(isinstance(side, (list, tuple)) for side in sides):
        return None
    return min(scales) * min(sides)
