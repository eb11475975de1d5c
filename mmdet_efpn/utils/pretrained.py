"""Where a model's config names pretrained weights, and the same config without them."""

import copy


def without_weights(cfg):
    """A copy of a config that loads no weights when it is built or initialised."""
    if isinstance(cfg, dict):
        return type(cfg)(
            {
                key: without_weights(value)
                for key, value in cfg.items()
                if key not in ('pretrained', 'checkpoint_path')
                and not (key == 'init_cfg' and _is_pretrained(value))
            }
        )
    if isinstance(cfg, (list, tuple)):
        return type(cfg)(without_weights(value) for value in cfg)
    return copy.deepcopy(cfg)


def _is_pretrained(init_cfg) -> bool:
    return isinstance(init_cfg, dict) and 'checkpoint' in init_cfg
