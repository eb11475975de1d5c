"""Configs whose types are classes, as MMEngine's new style has them, in a form that names them."""

from mmdet.registry import MODELS, TASK_UTILS
from mmengine.config import Config

SCOPE = 'mmdet'
PACKAGES = ('mmdet.', 'mmdet_efpn.')


def is_new_style(cfg: Config) -> bool:
    """Whether a config names classes where the old style has their registered names."""
    return _has_class(cfg._cfg_dict)


def _has_class(value) -> bool:
    if isinstance(value, dict):
        return isinstance(value.get('type'), type) or any(map(_has_class, value.values()))
    return isinstance(value, (list, tuple)) and any(map(_has_class, value))


def with_names(cfg: Config) -> Config:
    """The same config, each class in it by its import path, as MMEngine's registries take it."""
    return Config(_named(cfg.to_dict()))


def _named(value):
    if isinstance(value, dict):
        return {key: _named(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_named(part) for part in value)
    return f'{value.__module__}.{value.__qualname__}' if isinstance(value, type) else value


def with_scope(value):
    """A model's config that is built outside of MMDetection's scope too: its modules by full name."""
    if isinstance(value, dict):
        return {
            key: _scoped(part) if key == 'type' and isinstance(part, str) else with_scope(part)
            for key, part in value.items()
        }
    if isinstance(value, (list, tuple)):
        return type(value)(with_scope(part) for part in value)
    return value


def _scoped(name: str) -> str:
    if '.' in name:
        return name
    known = MODELS.get(name) or TASK_UTILS.get(name)
    ours = known is not None and known.__module__.startswith(PACKAGES)
    return f'{SCOPE}.{name}' if ours else name
