"""State-dict names of a wrapper: those of the module it wraps, beside its own."""

from functools import partial

from torch import nn

from ...utils.errors import UserError


def keep_plain_names(wrapper: nn.Module, inner: str, own: str | None = None) -> None:
    """Names the wrapped module's weights in the wrapper's state dict as if nothing wrapped them.

    ``<inner>.conv1.weight`` is saved and loaded as ``conv1.weight``, so that checkpoints pass both ways
    between a plain detector and one with a wrapper. Names of parameters (``named_parameters``) keep the
    prefix; where a child is named after its parent, as ``backbone.backbone.conv1``, the keys of an
    optimiser's ``custom_keys`` are found in them all the same. Such names are loaded too: MMDetection's
    ``SyncNormHook`` makes them of ``named_modules``.

    Args:
        wrapper (nn.Module): The wrapping module.
        inner (str): Name of its child, the wrapped module.
        own (str, optional): Name of its other child, whose weights keep their names. Default: it has
            no other weights.

    Raises:
        UserError: the wrapped module has weights under the name ``own``.
    """
    wrapped = getattr(wrapper, inner)
    if own and any(key.startswith(f'{own}.') for key in wrapped.state_dict()):
        raise UserError(
            f'{type(wrapper).__name__}.{inner} cannot be a {type(wrapped).__name__}, which already has '
            f'weights under the name {own!r}'
        )
    wrapper._register_state_dict_hook(partial(_strip_inner, inner))
    ambiguous = any(key.startswith(f'{inner}.') for key in wrapped.state_dict())
    wrapper._register_load_state_dict_pre_hook(partial(_add_inner, inner, own, ambiguous))


def _strip_inner(inner, module, state_dict, prefix, local_metadata) -> None:
    for key in [key for key in state_dict if key.startswith(prefix)]:  # all, to keep their order
        name = key[len(prefix) :].removeprefix(f'{inner}.')
        state_dict[prefix + name] = state_dict.pop(key)


def _add_inner(inner, own, ambiguous, state_dict, prefix, *args) -> None:
    for key in [key for key in state_dict if key.startswith(prefix)]:
        name = key[len(prefix) :]
        whole = not ambiguous and name.startswith(f'{inner}.')
        if not whole and not (own and name.startswith(f'{own}.')):
            state_dict[f'{prefix}{inner}.{name}'] = state_dict.pop(key)
