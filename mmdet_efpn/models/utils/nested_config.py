"""Checks of the config dicts that our modules build their parts from; each error names the key."""

import inspect
from collections.abc import Mapping

from mmdet.registry import MODELS

from ...utils.errors import UserError
from ...utils.known_names import check_arguments, nearest


def check_config(key: str, cfg, example: str) -> None:
    """Checks that a part's config names what to build, with arguments that it takes.

    Args:
        key (str): The part's config key, for example ``'neck.ftt'``.
        cfg: What stands there.
        example (str): What could stand there.

    Raises:
        UserError: no dict, no ``type``, an unknown ``type``, or an unknown argument of one of our
            classes.
    """
    if not isinstance(cfg, Mapping):
        raise UserError(f'{key} must be a config such as {example}, got {cfg!r}')
    if 'type' not in cfg:
        raise UserError(f'{key}.type is missing: write {example}, for example; got {dict(cfg)}')
    cls = cfg['type']
    if isinstance(cls, str):
        with MODELS.switch_scope_and_registry(cfg.get('_scope_')) as registry:
            cls = registry.get(cls)
        if cls is None:
            close = nearest(cfg['type'], MODELS.module_dict)
            raise UserError(
                f'{key}.type {cfg["type"]!r} is not registered'
                + (f'; did you mean {close!r}?' if close else '; is its module in custom_imports?')
            )
    if inspect.isclass(cls):
        check_arguments(cls, [name for name in cfg if name not in ('type', '_scope_')], key)
