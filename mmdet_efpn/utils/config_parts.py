"""The modules that a config describes: its dicts with a type."""

from collections.abc import Iterator, Mapping

from mmengine.config import Config

PACKAGE = __name__.partition('.')[0]


def typed_parts(value, where: str) -> Iterator[tuple[str, dict]]:
    """All dicts with a ``type`` in a config, from the outside in.

    Args:
        value: A config, or a part of one.
        where: Its config key.

    Yields:
        The config key of each, and the dict.
    """
    if isinstance(value, dict):
        if 'type' in value:
            yield where, value
        for key, child in value.items():
            yield from typed_parts(child, f'{where}.{key}')
    elif isinstance(value, (list, tuple)):
        for place, child in enumerate(value):
            yield from typed_parts(child, f'{where}[{place}]')


def inner_detector(model: Mapping) -> Mapping:
    """The detector that a model's config is, or wraps; see :func:`locate_detector`."""
    return locate_detector(model)[1]


def locate_detector(model: Mapping, where: str = 'model') -> tuple[str, Mapping]:
    """The config key of the detector that a model's config is, or wraps as ``detector``, and its config.

    Distillers, semi-supervised detectors, trackers and test-time augmentation wrap one.

    Example:
        >>> locate_detector(dict(type='ByteTrack', detector=dict(type='YOLOX', backbone=dict())))
        ('model.detector', {'type': 'YOLOX', 'backbone': {}})
    """
    if 'backbone' not in model:
        for key in ('detector', 'module'):
            if isinstance(model.get(key), Mapping):
                return locate_detector(model[key], f'{where}.{key}')
    return where, model


def leaf_datasets(dataset) -> Iterator[dict]:
    """The data sets with a pipeline in a data set's config: itself, or those that it wraps or joins."""
    if isinstance(dataset, (list, tuple)):
        for part in dataset:
            yield from leaf_datasets(part)
    elif isinstance(dataset, dict):
        inner = [dataset[key] for key in ('dataset', 'datasets') if key in dataset]
        if not inner:
            yield dataset
        yield from leaf_datasets(inner)


def import_package(cfg: Config) -> bool:
    """Adds this package to a config's ``custom_imports``, in place; whether it was missing."""
    settings = dict(cfg.get('custom_imports') or dict(allow_failed_imports=False))
    imports = settings.get('imports') or []
    imports = [imports] if isinstance(imports, str) else list(imports)
    missing = PACKAGE not in imports
    if missing:
        cfg.custom_imports = dict(settings, imports=[*imports, PACKAGE])
    return missing
