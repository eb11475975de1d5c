"""Counting operations, taking times and peak memory of one subject."""

import copy
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ...engine import keep_boxes_in_float32, readable_inputs
from ...utils.errors import UserError
from .subject import Subject

AMP_TYPES = dict(bfloat16=torch.bfloat16, float16=torch.float16)

# mmcv operators whose own arithmetic is negligible beside the convolutions around them.
_LIGHT_OPS = (
    'mmcv.ops.roi_align',
    'mmcv.ops.roi_pool',
    'mmcv.ops.nms',
    'mmcv.ops.multi_scale_deform_attn',
)


def count_macs(model: nn.Module, images: torch.Tensor) -> int:
    """Multiply-adds of one forward pass, by torch's own counter (which books two per multiply-add).

    Counts convolutions, matrix products and attention, not element-wise work. Runs on the meta
    device, where nothing is computed; a model with steps that need values, such as proposals, runs
    on its images' device instead.

    Raises:
        ValueError: The model has mmcv operators (deformable convolution, CARAFE, ...) that the
            counter doesn't see.
    """
    unseen = sorted(
        {
            type(module).__name__
            for module in model.modules()
            if type(module).__module__.startswith('mmcv.ops')
            and type(module).__module__ not in _LIGHT_OPS
        }
    )
    if unseen:
        raise ValueError(
            f"GFLOPs not counted: torch's counter does not see the mmcv operator {', '.join(unseen)}"
        )
    try:
        return _count(copy.deepcopy(model).to('meta'), images.to('meta'))
    except (NotImplementedError, RuntimeError):
        return _count(model, images)


def _attention_flops(query_shape, key_shape, value_shape, *args, out_shape=None, **kwargs) -> int:
    """Two matrix products for each batch element and head, of shapes (batch, heads, tokens, depth)."""
    *batch, queries, depth = query_shape
    return 2 * math.prod(batch) * queries * key_shape[-2] * (depth + value_shape[-1])


def _count(model: nn.Module, images: torch.Tensor) -> int:
    # Torch's counter knows the fused attention of GPUs, not that of the CPU (torch 2.1 has none there).
    on_cpu = getattr(torch.ops.aten, '_scaled_dot_product_flash_attention_for_cpu', None)
    counter = FlopCounterMode(
        display=False, custom_mapping={} if on_cpu is None else {on_cpu: _attention_flops}
    )
    model.eval()
    # The counter sets hooks on inputs that require a gradient, and fails on a split parameter.
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        with torch.no_grad(), counter:
            model(images)
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)
    return counter.get_total_flops() // 2


def count_parameters(model: nn.Module) -> int:
    """Number of weights, frozen ones included."""
    return sum(parameter.numel() for parameter in model.parameters())


def prepare(model: nn.Module, device: str, amp: str | None) -> nn.Module:
    """Moves a model to where it is measured; with ``amp``, its boxes stay float32 as in training.

    MMDetection's training in float16 on a GPU does not do that, so there is nothing done here.
    """
    kind = torch.device(device).type
    if amp == 'bfloat16' or (amp and kind == 'cpu'):
        keep_boxes_in_float32(model, kind)
    return model.to(device)


def run_forward(model: nn.Module, images: torch.Tensor, amp: str | None = None) -> float:
    """Seconds of one forward pass in eval mode without gradients; ``amp``: type of autocast."""
    model.eval()
    with torch.no_grad(), readable_inputs(), autocast(images.device, amp):
        return timed(lambda: model(images), images.device)


def run_forward_backward(model: Any, images: torch.Tensor, amp: str | None = None) -> float:
    """Seconds of one forward and backward pass in training mode, without the optimiser's step.

    With ``amp`` the forward runs under autocast in this type, as ``mmdet-efpn train --amp TYPE``.
    """

    def step() -> None:
        with autocast(images.device, amp):
            loss = model.loss(images)
        loss.backward()

    model.train()
    with readable_inputs():
        seconds = timed(step, images.device)
    model.zero_grad(set_to_none=True)
    return seconds


def precision(amp: str | None) -> str:
    """What the passes run in, as tables say it."""
    return f'{amp} autocast' if amp else 'float32'


def autocast(device: torch.device, amp: str | None) -> torch.autocast:
    """Autocast in the type that ``amp`` names, none without.

    Raises:
        UserError: ``amp`` is none of ``AMP_TYPES``.
    """
    if amp is not None and amp not in AMP_TYPES:
        raise UserError(f'amp is one of {", ".join(AMP_TYPES)}, or None, but it is {amp!r}')
    return torch.autocast(device.type, AMP_TYPES[amp or 'bfloat16'], enabled=amp is not None)


PASSES = dict(forward=run_forward, forward_backward=run_forward_backward)


def timed(step: Callable[[], None], device: torch.device) -> float:
    """Seconds that a step takes on a device; on a GPU, between two of its own events."""
    if device.type == 'cuda':
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda.synchronize(device)
        with torch.cuda.device(device):
            start.record()
            step()
            end.record()
        torch.cuda.synchronize(device)
        return start.elapsed_time(end) / 1e3
    begun = time.perf_counter()
    step()
    return time.perf_counter() - begun


def peak_memory(
    subject: Subject, device: str, passes: Sequence[str] = tuple(PASSES), amp: str | None = None
) -> dict[str, int | None]:
    """Peak memory in bytes of each of some ``PASSES``, weights included; ``amp`` as these have it.

    On CUDA: what torch's allocator held at most. On the CPU: how far the resident memory of a fresh
    process rose at most above where it stood before the model was built; ``None`` where the system
    doesn't tell (no ``VmHWM`` in ``/proc/self/status``) or the process was killed, as for lack of
    memory.
    """
    if torch.device(device).type == 'cuda':
        return _peak_on_cuda(subject, device, passes, amp)
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context('spawn')) as fresh_process:
        try:
            return fresh_process.submit(
                _peak_on_cpu, subject, torch.get_num_threads(), passes, amp
            ).result()
        except BrokenProcessPool:
            return dict.fromkeys(passes)


def _peak_on_cuda(subject: Subject, device: str, passes: Sequence[str], amp: str | None) -> dict:
    peaks = {}
    before = torch.cuda.memory_allocated(device)
    model, images = prepare(subject.build(), device, amp), subject.images(device)
    for name in passes:
        torch.cuda.reset_peak_memory_stats(device)
        PASSES[name](model, images, amp)
        peaks[name] = torch.cuda.max_memory_allocated(device) - before
    return peaks


def _peak_on_cpu(subject: Subject, threads: int, passes: Sequence[str], amp: str | None) -> dict:
    torch.set_num_threads(threads)
    # Loads torch's convolution library and starts its threads before the baseline is read.
    convolution = nn.Conv2d(3, 8, 3)
    convolution(torch.zeros(1, 3, 32, 32)).sum().backward()
    baseline = _highest_resident_bytes()
    model, images = prepare(subject.build(), 'cpu', amp), subject.images('cpu')
    peaks: dict[str, int | None] = {}
    for name in passes:
        PASSES[name](model, images, amp)
        highest = _highest_resident_bytes()
        if highest is None or baseline is None:
            peaks[name] = None
        else:
            peaks[name] = highest - baseline
    return peaks


def _highest_resident_bytes() -> int | None:
    """This process's own high-water mark; ``ru_maxrss`` would start at the parent process's."""
    status = Path('/proc/self/status')
    if status.is_file():
        for line in status.read_text().splitlines():
            if line.startswith('VmHWM:'):
                return int(line.split()[1]) * 1024
    return None
