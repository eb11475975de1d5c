"""Where a model's config names pretrained weights, and the same config without them."""

import copy
from collections.abc import Iterator

_KEYS = ('pretrained', 'checkpoint_path')


def without_weights(cfg):
    """A copy of a config that loads no weights when it is built or initialised."""
    if isinstance(cfg, dict):
        return type(cfg)(
            {
                key: without_weights(value)
                for key, value in cfg.items()
                if key not in _KEYS and not (key == 'init_cfg' and is_pretrained(value))
            }
        )
    if isinstance(cfg, (list, tuple)):
        return type(cfg)(without_weights(value) for value in cfg)
    return copy.deepcopy(cfg)


def is_pretrained(init_cfg) -> bool:
    """Whether an ``init_cfg`` loads a checkpoint."""
    if isinstance(init_cfg, (list, tuple)):
        return any(is_pretrained(part) for part in init_cfg)
    return isinstance(init_cfg, dict) and 'checkpoint' in init_cfg


def pretrained_weights(cfg, where: str) -> Iterator[tuple[str, str]]:
    """The weights that a model's config loads: config keys and the files, addresses or models they name.

    Args:
        cfg: A model's config, or a part of one.
        where: Its config key.
    """
    if isinstance(cfg, dict):
        for key, value in cfg.items():
            if key in _KEYS and value:
                yield f'{where}.{key}', str(cfg.get('model_name', value) if value is True else value)
            elif key == 'checkpoint' and isinstance(value, str):
                yield f'{where}.{key}', value
            else:
                yield from pretrained_weights(value, f'{where}.{key}')
    elif isinstance(cfg, (list, tuple)):
        for place, part in enumerate(cfg):
            yield from pretrained_weights(part, f'{where}[{place}]')
