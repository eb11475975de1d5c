"""Has every head of a detector as many classes as the data sets of its config?"""

import inspect
from collections.abc import Iterator
from typing import NamedTuple

from mmdet.registry import MODELS
from mmengine.config import Config

from ...utils.config_parts import locate_detector
from ...utils.errors import UserError
from ...utils.known_names import argument_default
from .data_sets import LOADERS, ClassesOfSet, class_lists

BOX_HEADS = ('bbox_head', 'extended_bbox_head', 'query_head')
MASK_HEADS = ('mask_head', 'point_head', 'mask_iou_head', 'track_head')
PANOPTIC = ('panoptic_head', 'panoptic_fusion_head', 'semantic_head', 'track_head')


class CountOfHead(NamedTuple):
    """A head's config key and number of classes: all, those of ``things``, or those of ``stuff``."""

    key: str
    count: int
    of: str = 'all'


def check_head_classes(cfg: Config, loaders: tuple[str, ...] = LOADERS) -> None:
    """Compares the number of classes of each head with that of each data set, before anything is built.

    RPNs, class-agnostic masks, semantic branches, teachers and detectors that read words have classes
    of their own and are left out; so are data sets that tell their classes only once they are read.

    Args:
        cfg (Config): A run's config.
        loaders (tuple[str, ...]): Keys of the data loaders that count.

    Raises:
        UserError: Two numbers differ, or ``metainfo.classes`` is a word; the message names the keys.
    """
    sets = list(class_lists(cfg, loaders))
    where, detector = locate_detector(cfg.get('model') or {})
    if not sets or 'language_model' in detector:
        return
    for head in _heads(detector, where):
        for data in sets:
            expected = _expected(head, data)
            if expected is not None and head.count != len(expected):
                shown = ', '.join([*map(str, expected[:4]), *['...'][: len(expected) > 4]])
                raise UserError(
                    f'{head.key} is {head.count}, but {data.where} has {len(expected)} classes '
                    f'({shown}): set {head.key}={len(expected)}, or metainfo.classes of the data set to '
                    'those of the head'
                )


def _expected(head: CountOfHead, data: ClassesOfSet) -> list[str] | None:
    """The classes of a data set that a head should have."""
    if not data.things:
        return None if head.of == 'stuff' else data.names
    if head.of == 'stuff':
        return [name for name in data.names if name not in data.things]
    return data.things


def _heads(detector: dict, where: str) -> Iterator[CountOfHead]:
    """All numbers of classes in a detector's config."""
    for name in (*BOX_HEADS, *MASK_HEADS):
        for key, head in _listed(detector, name, where):
            yield from _head(head, key)
    for name in PANOPTIC:
        for key, head in _listed(detector, name, where):
            yield from _things_and_stuff(head, key)
    for key, roi_head in _listed(detector, 'roi_head', where):
        yield from _heads(roi_head, key)


def _listed(part: dict, name: str, where: str) -> Iterator[tuple[str, dict]]:
    """A part of a config, or each of a list of parts, with its key."""
    value = part.get(name)
    if isinstance(value, (list, tuple)):
        yield from (
            (f'{where}.{name}[{i}]', one) for i, one in enumerate(value) if isinstance(one, dict)
        )
    elif isinstance(value, dict):
        yield f'{where}.{name}', value


def _things_and_stuff(head: dict, key: str) -> Iterator[CountOfHead]:
    things, stuff = head.get('num_things_classes'), head.get('num_stuff_classes')
    if not isinstance(things, int):
        return
    if stuff:
        yield CountOfHead(f'{key}.num_things_classes', things, 'things')
        yield CountOfHead(f'{key}.num_stuff_classes', stuff, 'stuff')
    else:
        yield CountOfHead(f'{key}.num_things_classes', things)


def _head(head: dict, key: str) -> Iterator[CountOfHead]:
    if 'type' not in head or head.get('class_agnostic'):
        return
    if isinstance(head.get('head'), dict):  # inside PlainLevelsHead
        yield from _head(head['head'], f'{key}.head')
        return
    if 'num_things_classes' in head:
        return
    count = head['num_classes'] if 'num_classes' in head else _default(head)
    if isinstance(count, int):
        yield CountOfHead(f'{key}.num_classes', count)


def _default(head: dict):
    """A head's number of classes, where its config leaves it to its class."""
    kind = MODELS.get(head['type']) if isinstance(head['type'], str) else head['type']
    return argument_default(kind, 'num_classes') if inspect.isclass(kind) else None
