"""Whether the config's optimiser trains the new weights, and the others by the rules it had for them."""

import copy

from mmengine.optim import build_optim_wrapper
from torch import nn

from ..report import CannotExtendError

SETTINGS = ('lr', 'weight_decay')


def check_optimiser(plain: nn.Module, extended: nn.Module, wrapper_cfg, extended_wrapper_cfg) -> None:
    """Builds the optimisers of the plain and of the extended detector and compares them.

    Args:
        plain (nn.Module): The plain detector; its weights may be on the meta device.
        extended (nn.Module): The extended detector.
        wrapper_cfg (dict): The plain config's ``optim_wrapper``.
        extended_wrapper_cfg (dict): The extended config's.

    Raises:
        CannotExtendError: A weight is left out, or one that both have gets another learning rate or
            weight decay; the message names the weight.
    """
    before, after = (
        _settings(model, cfg) for model, cfg in ((plain, wrapper_cfg), (extended, extended_wrapper_cfg))
    )
    if before is None:
        return
    if after is None:
        raise CannotExtendError(
            'optim_wrapper: its constructor '
            f'({extended_wrapper_cfg.get("constructor", "DefaultOptimWrapperConstructor")}) '
            'cannot group the weights of the extended detector'
        )
    for name, weight in extended.named_parameters():
        if weight.requires_grad and id(weight) not in after:
            raise CannotExtendError(f'optim_wrapper: the optimiser would not get the weight {name}')
    plain_weights = plain.state_dict(keep_vars=True)
    for name, weight in extended.state_dict(keep_vars=True).items():
        old = before.get(id(plain_weights.get(name)))
        new = after.get(id(weight))
        if old and new and plain_weights[name].shape == weight.shape and old != new:
            raise CannotExtendError(
                f'optim_wrapper.paramwise_cfg: {name} had (learning rate, weight decay) {old} and would '
                f'have {new}'
            )


def _settings(model: nn.Module, wrapper_cfg) -> dict[int, tuple] | None:
    """Learning rate and weight decay of each weight, by its id; ``None`` where none can be built."""
    cfg = copy.deepcopy(dict(wrapper_cfg))
    cfg = {k: v for k, v in cfg.items() if k in ('optimizer', 'constructor', 'paramwise_cfg')}
    try:
        optimizer = build_optim_wrapper(model, dict(cfg, type='OptimWrapper')).optimizer
    except Exception:
        # Whatever a constructor or an optimiser of the user's own says; the caller compares.
        return None
    return {
        id(weight): tuple(group.get(key) for key in SETTINGS)
        for group in optimizer.param_groups
        for weight in group['params']
    }
