"""Which weights of a checkpoint are meant, and under which names a detector has them."""

from collections.abc import Container, Mapping
from typing import Any

import numpy as np
from torch import Tensor

from ..utils.arrays import as_tensor
from ..utils.errors import UserError

# What data parallel, sharded and compiled modules put into the names of what they wrap.
WRAPPERS = ('module', '_orig_mod', '_fsdp_wrapped_module')
SETS = ('ema', 'last', 'teacher', 'student')
_AVERAGED = ('ema', 'model_ema', 'ema_state', 'state_dict_ema')  # beside the weights, of other trainers
_HOLDERS = (
    'state_dict',
    'model',
    'model_state_dict',
    'params',
    'blobs',
    *_AVERAGED,
    'module',
)  # of MMEngine; of other trainers


def without_wrappers(
    weights: Mapping[str, Tensor], known: Container[str] = ()
) -> tuple[dict[str, Tensor], dict[str, int]]:
    """Takes off what wrappers put into names: ``module.``, once or more, ``_orig_mod.`` and the like.

    Args:
        weights (Mapping[str, Tensor]): A state dict.
        known (Container[str]): Names of the detector itself, which stay.

    Returns:
        tuple: The weights under the names that are left, and from how many names each was taken.

    Example:
        >>> without_wrappers({'module._orig_mod.neck.weight': 1})
        ({'neck.weight': 1}, {'module.': 1, '_orig_mod.': 1})
    """
    plain, taken = {}, dict.fromkeys(WRAPPERS, 0)
    for name, weight in weights.items():
        parts = name.split('.')
        if name not in known:
            for wrapper in set(parts) & set(WRAPPERS):
                taken[wrapper] += 1
            parts = [part for part in parts if part not in WRAPPERS]
        plain['.'.join(parts)] = weight
    return plain, {f'{wrapper}.': count for wrapper, count in taken.items() if count}


def holders_of(checkpoint: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys below which a checkpoint's weights lie, the outermost first; none: it is bare."""
    keys: tuple[str, ...] = ()
    while True:
        key = next((key for key in _HOLDERS if isinstance(checkpoint.get(key), Mapping)), None)
        if key is None:
            return keys
        keys, checkpoint = (*keys, key), checkpoint[key]


def state_dict_of(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    """The weights in a checkpoint: below ``state_dict`` or other trainers' keys, or all of it.

    Arrays of numbers, which detectron2's files hold, are given as tensors.
    """
    for key in holders_of(checkpoint):
        checkpoint = checkpoint[key]
    return _weights(checkpoint)


def _weights(holder: Mapping[str, Any]) -> dict[str, Tensor]:
    weights: dict[str, Tensor] = {}
    for name, value in holder.items():
        if isinstance(value, np.ndarray):
            value = as_tensor(value)
        if isinstance(value, Tensor):
            weights[name] = value
    return weights


def choose_weights(
    checkpoint: Mapping[str, Any], use: str | None = None
) -> tuple[dict[str, Tensor], str]:
    """The one set of weights that is meant, of a checkpoint that holds two.

    MMEngine's ``EMAHook`` saves the averaged weights as ``state_dict``, and the ones that the optimiser
    stepped as ``ema_state_dict``. A semi-supervised detector has a teacher and a student; MMDetection
    tests with the teacher.

    Args:
        checkpoint (Mapping): As :func:`read_checkpoint` gives it.
        use (str, optional): ``'ema'`` or ``'last'``, ``'teacher'`` or ``'student'``. Default: ``'ema'``
            or ``'teacher'``, where there are two.

    Returns:
        tuple: The weights, without what wrappers put into their names, and what they are, in words.

    Raises:
        UserError: The checkpoint has no such set.
    """
    if use is not None and use not in SETS:
        raise UserError(f'--use must be one of {", ".join(SETS)}, got {use!r}')
    sets = sets_in(checkpoint)
    if use is not None and use not in sets:
        has = f'it has {" and ".join(sets)}' if sets else 'it has one set of weights'
        raise UserError(f'--use {use}: the checkpoint has no such weights; {has}')
    if sets:
        use = use or next(iter(sets))
        others = ' or '.join(other for other in sets if other != use)
        weights, what = sets[use]
        return weights, what + (f'; --use {others} takes the other ones' if others else '')
    keys = [key for key in holders_of(checkpoint) if key != 'state_dict']
    where = f', below {" > ".join(map(repr, keys))}' if keys else ''
    return without_wrappers(state_dict_of(checkpoint))[0], f'the only ones in the file{where}'


def sets_in(checkpoint: Mapping[str, Any]) -> dict[str, tuple[dict[str, Tensor], str]]:
    """The sets in a checkpoint that holds more than one, the default first."""
    if isinstance(checkpoint.get('ema_state_dict'), Mapping):
        other = state_dict_of(dict(state_dict=checkpoint['ema_state_dict']))
        other.pop('steps', None)
        other = without_wrappers(other)[0]
        if not isinstance(checkpoint.get('state_dict'), Mapping):
            return dict(ema=(other, 'ema: ema_state_dict, for there is no state_dict'))
        ema = without_wrappers(state_dict_of(checkpoint))[0]
        return dict(
            ema=(ema, 'ema: the averaged ones, which EMAHook saves as state_dict'),
            last=(other, 'last: not averaged, which EMAHook saves as ema_state_dict'),
        )
    averaged = next((key for key in _AVERAGED if isinstance(checkpoint.get(key), Mapping)), None)
    keys = holders_of(checkpoint)
    if averaged and keys and keys[0] not in _AVERAGED:
        ema = without_wrappers(state_dict_of({averaged: checkpoint[averaged]}))[0]
        last = without_wrappers(state_dict_of(checkpoint))[0]
        if ema and last:
            return dict(
                ema=(ema, f'ema: the averaged ones, which lie below {averaged!r}'),
                last=(last, f'last: not averaged, which lie below {keys[0]!r}'),
            )
    weights = without_wrappers(state_dict_of(checkpoint))[0]
    sets = {}
    for name in ('teacher', 'student'):
        own = {k.removeprefix(f'{name}.'): w for k, w in weights.items() if k.startswith(f'{name}.')}
        if own:
            sets[name] = (own, f'{name}: of a semi-supervised detector')
    return sets if len(sets) == 2 else {}
