"""The modules that a config describes: its dicts with a type."""

from collections.abc import Iterator


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


def inner_detector(model: dict) -> dict:
    """The detector that a model's config is, or wraps as ``detector``.

    Distillers, semi-supervised detectors, trackers and test-time augmentation wrap one.
    """
    while 'backbone' not in model:
        wrapped = model.get('detector') or model.get('module')
        if not isinstance(wrapped, dict):
            return model
        model = wrapped
    return model


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
