"""Training from random weights: what belongs together, and a warning where it is set in part."""

from mmengine.config import Config

from ..utils.config_parts import typed_parts
from ..utils.known_names import argument_names
from ..utils.pretrained import is_pretrained, pretrained_weights
from .cfg_options import registered_class


def train_from_scratch(cfg: Config) -> list[str]:
    """Sets a config to train all of its detector from random weights.

    No module loads weights, no stage is frozen, and norms learn and use their batch's statistics.
    ``load_from`` goes too.

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
        if 'frozen_stages' in takes and part.get('frozen_stages', 0) != -1:
            put(part, where, 'frozen_stages', -1)
        if 'norm_eval' in takes:
            put(part, where, 'norm_eval', False)
        if (part.get('norm_cfg') or {}).get('requires_grad') is False:
            put(part['norm_cfg'], f'{where}.norm_cfg', 'requires_grad', True)
    if cfg.get('load_from'):
        changes.append(f'load_from: {cfg.load_from} to None')
        cfg.load_from = None
    return changes


def frozen_random_parts(cfg: Config) -> list[str]:
    """Config keys of modules that freeze stages of random weights: nothing loads any into them."""
    if cfg.get('load_from') or cfg.get('resume'):
        return []
    return [
        where
        for where, part in typed_parts(cfg.model, 'model')
        if isinstance(part.get('frozen_stages'), int)
        and part['frozen_stages'] >= 0
        and not any(pretrained_weights(part, where))
    ]


def _arguments(part: dict) -> frozenset[str]:
    cls = registered_class(part['type'])
    return (argument_names(cls) if cls else None) or frozenset()
