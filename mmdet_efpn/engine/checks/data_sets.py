"""The data sets of a run's config: their classes, and plain COCO sets read with checks."""

import inspect
from collections.abc import Iterator
from typing import NamedTuple

from mmdet.datasets import CocoDataset, XMLDataset
from mmdet.registry import DATASETS
from mmengine.config import Config

from ...datasets.checks import class_names
from ...utils.config_parts import import_package, leaf_datasets
from ...utils.errors import UserError

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


class ClassesOfSet(NamedTuple):
    """A data set's config key with its class, its classes and, in panoptic sets, those of things."""

    where: str
    names: list[str]
    things: list[str]


def class_lists(cfg: Config, loaders: tuple[str, ...] = LOADERS) -> Iterator[ClassesOfSet]:
    """The classes of each data set that tells them in its config or its class.

    Raises:
        UserError: ``metainfo.classes`` is a word, or stands under another name.
    """
    for where, data in _located(cfg, loaders):
        kind = data_set_class(data)
        if kind is None or not issubclass(kind, (CocoDataset, XMLDataset)):
            continue
        given = data.get('metainfo') or {}
        metainfo = {**kind.METAINFO, **given}
        if 'classes' in given or not issubclass(kind, CocoDataset):
            names = class_names(metainfo.get('classes'), f'{where}.metainfo.classes')
        else:
            names = class_names(metainfo.get('classes'), f'{where}.metainfo', given)
        if names:
            yield ClassesOfSet(
                f'{where} ({kind.__name__})', names, list(metainfo.get('thing_classes') or ())
            )


def check_class_order(cfg: Config, loaders: tuple[str, ...] = LOADERS) -> None:
    """Checks that all data sets have the same classes in the same order, for labels are places in it.

    Raises:
        UserError: Two data sets have as many classes, but others or in another order.
    """
    if 'language_model' in str(cfg.get('model')):
        return
    sets = list(class_lists(cfg, loaders))
    for one in sets[1:]:
        first = sets[0]
        if len(one.names) == len(first.names) and one.names != first.names:
            place = next(
                i for i, pair in enumerate(zip(first.names, one.names, strict=True)) if len({*pair}) > 1
            )
            raise UserError(
                f'label {place} is {first.names[place]!r} in {first.where}, but {one.names[place]!r} in '
                f'{one.where}: give all data sets the same metainfo.classes, in the same order'
            )


def read_checked(cfg: Config, loaders: tuple[str, ...] = LOADERS) -> list[str]:
    """Makes plain ``CocoDataset`` sets of a config ``CheckedCocoDataset`` ones, in place.

    Data sets of other classes stay.

    Returns:
        list[str]: Config keys of the sets that changed.
    """
    changed = []
    for where, data in _located(cfg, loaders):
        if data_set_class(data) is CocoDataset and 'lazy_init' not in data:
            data['type'] = 'CheckedCocoDataset'
            changed.append(where)
    if changed:
        import_package(cfg)
    return changed


def data_set_class(data: dict) -> type | None:
    """The class that a data set's config names; ``None`` if it is unknown."""
    kind = data.get('type')
    kind = DATASETS.get(kind) if isinstance(kind, str) else kind
    return kind if inspect.isclass(kind) else None


def _located(cfg: Config, loaders: tuple[str, ...]) -> Iterator[tuple[str, dict]]:
    """Config key and config of each data set that no other wraps."""
    for key in loaders:
        loader = cfg.get(key) or ()
        several = isinstance(loader, (list, tuple))
        for place, part in enumerate(loader if several else [loader]):
            where = f'{key}[{place}].dataset' if several else f'{key}.dataset'
            for data in leaf_datasets((part or {}).get('dataset')):
                yield where, data
