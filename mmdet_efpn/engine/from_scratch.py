"""Training from random weights: what belongs together, and a warning where it is set in part."""

from collections.abc import Iterator

from mmengine.config import Config

from ..utils.config_parts import typed_parts
from ..utils.known_names import argument_default, argument_names
from ..utils.pretrained import is_pretrained, pretrained_weights
from .cfg_options import registered_class


def train_from_scratch(cfg: Config) -> list[str]:
    """Sets a config to train all of its detector from random weights.

    No module loads weights, no stage is frozen, norms learn and use their batch's statistics, and the
    backbone learns as fast as the rest. ``load_from`` goes too.

    Args:
        cfg: The run's config; changed in place.

    Returns:
        list[str]: What was changed, ``key: old to new``.
    """
    changes = []

    def put(part: dict, where: str, key: str, value) -> None:
        old = part.get(key)
        if key not in part or old != value:
            part[key] = value
            changes.append(f'{where}.{key}: {"its default" if old is None else old} to {value}')

    for where, part in typed_parts(cfg.model, 'model'):
        takes = _arguments(part)
        if is_pretrained(part.get('init_cfg')):
            put(part, where, 'init_cfg', None)
        if part.get('pretrained'):
            put(part, where, 'pretrained', False if part['pretrained'] is True else None)
        if part.get('checkpoint_path'):  # timm's
            put(part, where, 'checkpoint_path', '')
        if 'frozen_stages' in takes:
            put(part, where, 'frozen_stages', _no_stage(part))
        if 'norm_eval' in takes:
            put(part, where, 'norm_eval', False)
        if (part.get('norm_cfg') or {}).get('requires_grad') is False:
            put(part['norm_cfg'], f'{where}.norm_cfg', 'requires_grad', True)
    for where, rule in _slow_rules(cfg):
        put(rule, where, 'lr_mult', 1.0)
    if cfg.get('load_from'):
        changes.append(f'load_from: {cfg.load_from} to None')
        cfg.load_from = None
    return changes


def _no_stage(part: dict) -> int:
    """The ``frozen_stages`` that freezes nothing: -1, in EfficientNet 0."""
    default = argument_default(registered_class(part['type']), 'frozen_stages')
    return default if default in (-1, 0) else -1


def _slow_rules(cfg: Config) -> Iterator[tuple[str, dict]]:
    """The optimiser's rules that let a backbone learn more slowly than the rest."""
    settings = (cfg.get('optim_wrapper') or {}).get('paramwise_cfg') or {}
    for name, rule in (settings.get('custom_keys') or {}).items():
        if 'backbone' in name.split('.') and rule.get('lr_mult', 1) < 1:
            yield f'optim_wrapper.paramwise_cfg.custom_keys[{name!r}]', rule


def frozen_random_parts(cfg: Config) -> dict[str, str]:
    """Config keys that keep random weights from training, for nothing loads any into their module.

    Returns:
        dict[str, str]: ``KEY.frozen_stages`` and ``KEY.norm_eval``, and what each does.
    """
    if cfg.get('load_from') or cfg.get('resume'):
        return {}
    parts = list(typed_parts(cfg.model, 'model'))
    loaded = [where for where, part in parts if is_pretrained(part.get('init_cfg'))]
    found = {}
    for where, part in parts:
        above = any(where == other or where.startswith(f'{other}.') for other in loaded)
        if above or any(pretrained_weights(part, where)):
            continue
        frozen = part.get('frozen_stages')
        if isinstance(frozen, int) and frozen > _no_stage(part):
            found[f'{where}.frozen_stages'] = 'keeps stages of random weights as they are'
        if _value(part, 'norm_eval') is True and _value(part, 'init_cfg') is None:
            found[f'{where}.norm_eval'] = 'keeps batch norms of random weights from normalising anything'
    return found


def _value(part: dict, name: str):
    """An argument of a config, or its class's default."""
    if name in part:
        return part[name]
    cls = registered_class(part['type'])
    return argument_default(cls, name) if cls else None


def _arguments(part: dict) -> frozenset[str]:
    cls = registered_class(part['type'])
    return (argument_names(cls) if cls else None) or frozenset()
