"""How a function of maps is run: as it is, compiled, or computed once more for its gradients."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from ...utils.errors import UserError


def check_compile(compiling: bool | Mapping[str, Any], where: str) -> dict[str, Any] | None:
    """The arguments of ``torch.compile``, or ``None``: do not compile.

    Args:
        compiling (bool | Mapping): ``True``: sizes stay dynamic. A mapping: arguments beside that.
        where (str): The config key, for messages.

    Raises:
        UserError: Neither a bool nor a mapping with names of arguments.
    """
    if compiling is True or compiling is False:
        return {'dynamic': True} if compiling else None
    if not isinstance(compiling, Mapping) or not all(isinstance(name, str) for name in compiling):
        raise UserError(
            f'{where} must be True, False, or a dict of arguments of torch.compile such as '
            f"dict(mode='max-autotune-no-cudagraphs'), got {compiling!r}"
        )
    return {'dynamic': True, **compiling}


def _compiled(function: Callable, options: dict[str, Any]) -> Callable:
    """Compiled once for all modules that it is called with: it may hold none of them.

    So copies of a module (an averaged model, a teacher) do not run with the weights of the first one.
    """
    key = (function, repr(sorted(options.items())))
    if key not in _COMPILED:
        _COMPILED[key] = torch.compile(function, **options)
    return _COMPILED[key]


_COMPILED: dict[tuple[Callable, str], Callable] = {}


def run(
    function: Callable, *args: Any, compiling: dict[str, Any] | None = None, with_cp: bool = False
) -> Any:
    """Calls a function, compiled or with activation checkpointing.

    Args:
        function (Callable): Of a module, without the module: it comes first in ``args``.
        *args: What the function takes, by position.
        compiling (dict, optional): Arguments of ``torch.compile``. Default: not compiled.
        with_cp (bool): In a pass with gradients keep the inputs alone, and compute what lies between
            again in the backward pass. Default False.
    """
    if compiling is not None and not torch.compiler.is_compiling():
        function = _compiled(function, compiling)
    if with_cp and torch.is_grad_enabled():
        return checkpoint(function, *args, use_reentrant=False)
    return function(*args)
