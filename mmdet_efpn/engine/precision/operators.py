"""mmcv's operators under bfloat16 and on channels-last maps, which their kernels do not read."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import mmcv.ops  # noqa: F401  its operators are found as subclasses of Function
import torch
from mmengine.config import Config
from torch import Tensor
from torch.autograd import Function

from ...models.utils.readable import readable

_LOSSES = 'mmcv.ops.focal_loss'


def computes_in_bfloat16(cfg: Config) -> bool:
    """Whether a run's config trains under bfloat16 autocast."""
    wrapper = cfg.get('optim_wrapper') or {}
    kind = wrapper.get('type')
    return kind == 'BFloat16OptimWrapper' or (
        kind == 'AmpOptimWrapper' and wrapper.get('dtype') in ('bfloat16', torch.bfloat16)
    )


@contextlib.contextmanager
def readable_inputs() -> Iterator[None]:
    """Within it, mmcv's operators run on what their kernels can read.

    None of the CUDA kernels takes bfloat16: the focal losses, RoIAlign and the other RoI layers,
    deformable convs and attention, CARAFE and NMS raise an error there. And they read a channels-last
    map as if it were contiguous. Here their forward and backward passes get float32 for bfloat16, and
    contiguous maps. What they give is in the type of their first input again, only losses stay in
    float32. Gradients come in the type of the input that they are of. An operator that gets neither
    bfloat16 nor channels-last maps does what it did before.
    """
    changed = []
    for function in _operators(Function):
        for name in ('forward', 'backward'):
            own = function.__dict__.get(name)
            if isinstance(own, staticmethod):
                changed.append((function, name, own))
                is_loss = function.__module__ == _LOSSES
                setattr(function, name, staticmethod(_on_readable(own.__func__, is_loss)))
    try:
        yield
    finally:
        for function, name, own in changed:
            setattr(function, name, own)


def _operators(base: type) -> Iterator[type]:
    """All of mmcv's operators that have gradients, and NMS, which is written as if it had."""
    for kind in base.__subclasses__():
        if kind.__module__.startswith('mmcv.ops.'):
            yield kind
        yield from _operators(kind)


def _on_readable(call: Callable, is_loss: bool) -> Callable:
    """A forward or backward pass that reads its tensors in a type and a layout that the kernels take."""

    @functools.wraps(call)
    def on_readable(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        tensors = [value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)]
        if all(_is_readable(tensor) for tensor in tensors):
            return call(ctx, *args, **kwargs)
        with torch.autocast(tensors[0].device.type, enabled=False):
            out = call(
                ctx,
                *(_readable(value) for value in args),
                **{name: _readable(value) for name, value in kwargs.items()},
            )
        return out if is_loss or tensors[0].dtype != torch.bfloat16 else _in_bfloat16(out)

    return on_readable


def _is_readable(tensor: Tensor) -> bool:
    return tensor.dtype != torch.bfloat16 and (tensor.dim() != 4 or tensor.is_contiguous())


def _readable(value: Any) -> Any:
    if not isinstance(value, Tensor) or _is_readable(value):
        return value
    return readable(value)


def _in_bfloat16(out: Any) -> Any:
    if isinstance(out, Tensor) and out.dtype == torch.float32:
        return out.bfloat16()
    return type(out)(map(_in_bfloat16, out)) if isinstance(out, (tuple, list)) else out
