"""Bytes that a model's operations read and write, counted without running them.

On a GPU most operations of a detector wait for memory, not for arithmetic, so bytes say more about time
there than multiply-adds do.
"""

import contextlib
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode, UnsupportedFakeTensorException
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

from ...utils.errors import UserError
from .measure import AMP_TYPES, autocast
from .subject import parse_subject

# What a fake tensor raises where a step needs values, as the number of boxes after NMS.
_NEEDS_VALUES = (UnsupportedFakeTensorException, NotImplementedError, RuntimeError)


@dataclass
class Traffic:
    """What one pass moves through memory.

    It is a model of traffic without fusion and without caches: every operation reads its inputs and
    writes its outputs once. Good to compare two designs, no prediction of milliseconds.

    Attributes:
        bytes: Read and written by all operations.
        kernels: Number of operations that are no views; on a GPU each launches one kernel or more.
        float32_map_bytes: Part of ``bytes`` that is maps in float32. Maps are activations and their
            gradients; weights and their gradients are none.
        fine_float32_bytes: Part of it at stride 4 or finer.
        peak_bytes: Most memory held at once beside weights and images: activations, gradients, copies
            of weights in autocast's type. Workspaces inside an operation are not seen.
        by_operation: Bytes by the operation's name, most first.
    """

    bytes: int = 0
    kernels: int = 0
    float32_map_bytes: int = 0
    fine_float32_bytes: int = 0
    peak_bytes: int = 0
    by_operation: dict[str, int] = field(default_factory=dict)


def traffic_of(
    model: nn.Module | str | Path,
    shape: Sequence[int],
    amp: str | None = None,
    backward: bool = False,
    device: str | None = None,
) -> Traffic:
    """Counts the traffic of one pass; tensors are fake, so any size fits into any machine.

    A model with steps that need values, such as proposals of a whole detector, or with mmcv operators
    runs for real.

    Args:
        model: A module, or a config file, of which backbone and neck are counted; ``@KEY=VALUE``
            behind its name changes it, see :func:`parse_subject`. For ``backward`` it has a method
            ``loss(images)``, or gives a tensor or a sequence of them, which are summed up.
        shape: Of the images: (B, C, H, W).
        amp: ``'bfloat16'`` or ``'float16'``: types are those of autocast on the model's device.
            Default: none, all is computed in the model's own type.
        backward: Count a training pass, in training mode with its backward pass, instead of a forward
            pass in eval mode without gradients. Default False.
        device: Count as on this device, ``'cuda'`` or ``'cpu'``: autocast keeps other operations in
            float32 on a GPU, layer norm among them, and layers may choose another way. A forward pass
            is counted as on a GPU where there is none, too. Default: the model's device.

    Raises:
        UserError: ``amp`` is none of the types, the config cannot be read, or a training pass or a model
            that has to run for real is to be counted as on a GPU where there is none.
    """
    on_absent_gpu = device == 'cuda' and not torch.cuda.is_available()
    if on_absent_gpu and not hasattr(torch, 'set_autocast_dtype'):
        raise UserError(f'counting as on an absent GPU needs torch 2.4, this is {torch.__version__}')
    if on_absent_gpu and backward:
        raise UserError('a training pass is counted as on a GPU only where there is one')
    if not isinstance(model, nn.Module):
        batch, _, height, width = shape
        model = parse_subject(str(model), (height, width), 'backbone+neck', {}, batch).build()
    was_training = model.training
    model.train(backward)
    try:
        if not _has_mmcv_operators(model):
            with contextlib.suppress(*_NEEDS_VALUES):
                fake = FakeTensorMode(allow_non_fake_inputs=True)
                return _count(model, shape, amp, backward, fake, device)
        if on_absent_gpu:
            raise UserError('this model has to run for real, and there is no GPU here to run it on')
        return _count(model, shape, amp, backward, None, device)
    finally:
        model.train(was_training)


def _has_mmcv_operators(model: nn.Module) -> bool:
    """Whether there are some; they read memory, which fake tensors do not have."""
    return any(type(module).__module__.startswith('mmcv.ops') for module in model.modules())


class _OnePass(nn.Module):
    """A model's forward, or its loss, as the forward of a module."""

    def __init__(self, model: nn.Module, backward: bool) -> None:
        super().__init__()
        self.model: Any = model
        self.backward = backward

    def forward(self, images: Tensor) -> Any:
        if not self.backward:
            return self.model(images)
        if hasattr(self.model, 'loss'):
            return self.model.loss(images)
        return torch.stack([out.sum() for out in _tensors(self.model(images))]).sum()


def _count(
    model: nn.Module,
    shape: Sequence[int],
    amp: str | None,
    backward: bool,
    fake: FakeTensorMode | None,
    device_name: str | None,
) -> Traffic:
    one_pass = _OnePass(model, backward)
    tensors = dict([*one_pass.named_parameters(), *one_pass.named_buffers()])
    if fake is not None:
        tensors = {name: fake.from_tensor(tensor) for name, tensor in tensors.items()}
    own = next((tensor.device for tensor in tensors.values()), torch.device('cpu'))
    device = torch.device(device_name) if device_name else own
    with fake or contextlib.nullcontext():
        tensors = {name: _copied(tensor, device) for name, tensor in tensors.items()}
        images = torch.empty(shape, device=device) if fake else torch.randn(shape, device=device)
        counter = _Counter(shape, list(tensors.values()))
        with torch.set_grad_enabled(backward), counter:
            with _autocast_as_on(device, amp):
                out = torch.func.functional_call(one_pass, tensors, (images,))
            if backward:
                out.backward()
    found = counter.found
    found.by_operation = dict(counter.by_operation.most_common())
    return found


def _copied(tensor: Tensor, device: torch.device) -> Tensor:
    """A leaf of its own, so that the pass leaves the model's statistics and gradients alone."""
    copy = torch.empty_like(tensor, device=device, requires_grad=False).copy_(tensor.detach())
    return copy.requires_grad_(tensor.requires_grad)


@contextlib.contextmanager
def _autocast_as_on(device: torch.device, amp: str | None) -> Iterator[None]:
    """Autocast on a device; for a GPU that is not there torch's own would switch itself off."""
    if amp is None or device.type != 'cuda' or torch.cuda.is_available():
        with autocast(device, amp):
            yield
        return
    torch.set_autocast_dtype('cuda', AMP_TYPES[amp])
    torch.set_autocast_enabled('cuda', True)
    try:
        yield
    finally:
        torch.set_autocast_enabled('cuda', False)
        torch.clear_autocast_cache()


class _Counter(TorchDispatchMode):
    """Counts what each operation below autograd and autocast reads and writes."""

    def __init__(self, shape: Sequence[int], weights: list[Tensor]) -> None:
        super().__init__()
        self.shape = shape
        self.weight_shapes = {weight.shape for weight in weights}
        self.found, self.by_operation = Traffic(), Counter[str]()
        self._known = {weight.untyped_storage()._cdata for weight in weights}
        self._held: dict[int, tuple[StorageWeakRef, int]] = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        inputs = list(_tensors((args, kwargs)))
        out = func(*args, **(kwargs or {}))
        outputs = list(_tensors(out))
        self._note_memory(outputs)
        if outputs and not _moves_nothing(func, inputs, outputs):
            moved = [*inputs, *outputs]
            size = sum(map(_size, moved))
            self.found.bytes += size
            self.found.kernels += 1
            self.by_operation[func.overloadpacket.__name__] += size
            wide = [t for t in moved if t.dtype == torch.float32 and self._is_map(t)]
            self.found.float32_map_bytes += sum(map(_size, wide))
            self.found.fine_float32_bytes += sum(_size(t) for t in wide if self._is_fine(t))
        return out

    def _note_memory(self, outputs: list[Tensor]) -> None:
        for tensor in outputs:
            storage = tensor.untyped_storage()
            if storage._cdata not in self._held and storage._cdata not in self._known:
                self._held[storage._cdata] = StorageWeakRef(storage), storage.nbytes()
        self._held = {key: held for key, held in self._held.items() if not held[0].expired()}
        now = sum(size for _, size in self._held.values())
        self.found.peak_bytes = max(self.found.peak_bytes, now)

    def _is_map(self, tensor: Tensor) -> bool:
        return tensor.dim() >= 3 and tensor.shape not in self.weight_shapes

    def _is_fine(self, tensor: Tensor) -> bool:
        """Whether a map has stride 4 or finer: (B, C, H, W), (B, H, W, C), tokens, or cut up further."""
        batch, _, height, width = self.shape
        height, width = height // 4, width // 4
        if tensor.dim() == 3:
            return tensor.shape[0] * tensor.shape[1] >= batch * height * width
        if tensor.dim() > 4:
            return math.prod(tensor.shape[2:]) >= height * width
        _, first, second, third = tensor.shape
        return (second >= height and third >= width) or (first >= height and second >= width)


def _tensors(values: Any) -> Iterator[Tensor]:
    return (value for value in tree_flatten(values)[0] if isinstance(value, Tensor))


def _size(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def _moves_nothing(func: Any, inputs: list[Tensor], outputs: list[Tensor]) -> bool:
    """Whether an operation only gives another view of an input's memory, or memory nobody wrote."""
    if 'empty' in func.overloadpacket.__name__:
        return True
    if func._schema.is_mutable:
        return False
    storages = {tensor.untyped_storage()._cdata for tensor in inputs}
    return all(tensor.untyped_storage()._cdata in storages for tensor in outputs)
