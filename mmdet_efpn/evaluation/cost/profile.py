"""Where a pass spends its time: by operation, module, shape and stride, from torch's profiler."""

import contextlib
import json
import math
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, record_function
from torch.profiler import profile as torch_profile

from .trace import Operation, read_trace

_MARK = 'module: '
COARSEST = 180  # between strides 128 and 256; what would be coarser is a kernel, no map
STRIDES = ('1-2', '4', '8 or more', 'no map')


@dataclass
class Spot:
    """One kind of operation of one module.

    Attributes:
        module: Dotted name of the innermost module that called it; of a gradient, that whose it is.
        operation: Name of the kernel's operation.
        shape: Of its finest map, or of its largest input where it has no map.
        dtype: Type of that input.
        stride: Of its finest map in pixels of the image, or ``None`` where it has none.
        milliseconds: Of one pass.
        share: Of the pass's whole time, 0 to 1.
        calls: How often in one pass.
    """

    module: str
    operation: str
    shape: tuple[int, ...]
    dtype: str
    stride: int | None
    milliseconds: float = 0.0
    share: float = 0.0
    calls: float = 0.0


def profile(run: Callable[[], Any], model: nn.Module, image_size: tuple[int, int]) -> list[Spot]:
    """Profiles a pass of a model after one that warms up.

    On the CPU a spot's time is what an operation takes without those it calls; on a GPU that of the
    kernels that it launched.

    Args:
        run: Makes one pass.
        model: What the pass runs; its modules' names are those of the spots.
        image_size: Height and width in pixels, from which strides follow.

    Returns:
        The spots, the most expensive first.
    """
    run()
    activities = [ProfilerActivity.CPU]
    if torch.cuda.is_available():
        activities.append(ProfilerActivity.CUDA)
    with tempfile.TemporaryDirectory() as folder, _marked(model):
        with torch_profile(activities=activities, record_shapes=True) as profiler:
            run()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
        file = Path(folder) / 'trace.json'
        profiler.export_chrome_trace(str(file))
        operations = read_trace(json.loads(file.read_text())['traceEvents'], _MARK)
    return _spots(operations, image_size)


@contextlib.contextmanager
def _marked(model: nn.Module) -> Iterator[None]:
    """Within it the profiler sees which module runs."""
    open_marks: list[record_function] = []

    def enter(name: str) -> Callable:
        def hook(module: nn.Module, inputs: Any) -> None:
            mark = record_function(_MARK + name)
            mark.__enter__()
            open_marks.append(mark)

        return hook

    def leave(module: nn.Module, inputs: Any, outputs: Any) -> None:
        open_marks.pop().__exit__(None, None, None)

    handles: list[Any] = []
    for name, module in model.named_modules():
        handles.append(module.register_forward_pre_hook(enter(name)))
        handles.append(module.register_forward_hook(leave))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _spots(operations: list[Operation], image_size: tuple[int, int]) -> list[Spot]:
    found: dict[tuple, Spot] = {}
    for one in operations:
        inputs = [(stride_of(shape, image_size), shape, dtype) for shape, dtype in one.inputs]
        maps = [item for item in inputs if item[0] is not None]
        stride, shape, dtype = min(
            maps, key=lambda item: (item[0], -math.prod(item[1])), default=None
        ) or (max(inputs, key=lambda item: math.prod(item[1]), default=(None, (), '')))
        key = (one.module, one.name, shape, dtype, stride)
        spot = found.setdefault(key, Spot(*key))
        spot.milliseconds += one.milliseconds
        spot.calls += one.calls
    return _by_time(list(found.values()))


def median_of(rounds: Sequence[list[Spot]]) -> list[Spot]:
    """Each spot's median time over several profiles of a pass; a round without it counts as zero."""
    found: dict[tuple, list[Spot]] = defaultdict(list)
    for spots in rounds:
        for spot in spots:
            found[spot.module, spot.operation, spot.shape, spot.dtype, spot.stride].append(spot)
    medians = []
    for spots in found.values():
        missing = [0.0] * (len(rounds) - len(spots))
        times = [*(spot.milliseconds for spot in spots), *missing]
        calls = [*(spot.calls for spot in spots), *missing]
        medians.append(
            replace(spots[0], milliseconds=statistics.median(times), calls=statistics.median(calls))
        )
    return _by_time(medians)


def _by_time(spots: list[Spot]) -> list[Spot]:
    """The most expensive first, each with its share."""
    total = sum(spot.milliseconds for spot in spots)
    for spot in spots:
        spot.share = spot.milliseconds / total if total else 0.0
    return sorted(spots, key=lambda spot: -spot.milliseconds)


def stride_of(shape: Sequence[int], image_size: tuple[int, int]) -> int | None:
    """The power of two by which a map is smaller than its image, or ``None`` for what is no map.

    Known are (B, C, H, W), (B, H, W, C), and (B, C, H, 2, W, 2), which a sum over squares reads.
    """
    if len(shape) == 4:
        sides = [(shape[2], shape[3]), (shape[1], shape[2])]
    elif len(shape) == 6:
        sides = [(shape[2] * shape[3], shape[4] * shape[5])]
    else:
        return None
    for height, width in sides:
        if height and width:
            down, across = image_size[0] / height, image_size[1] / width
            if max(down, across) < 1.5 * min(down, across) and 0.7 < down < COARSEST:
                return 2 ** round(math.log2(down))
    return None


def by_module(spots: list[Spot]) -> dict[str, dict[str, float]]:
    """Milliseconds by part of the model and by group of strides (``STRIDES``), the most expensive first.

    Parts are the children of backbone, neck and heads, and the parts of the extension.
    """
    parts: dict[str, dict[str, float]] = defaultdict(lambda: dict.fromkeys(STRIDES, 0.0))
    for spot in spots:
        names = spot.module.removeprefix('detector.').split('.')
        depth = 3 if names[1:2] == ['extension'] else 2
        parts['.'.join(names[:depth]) or 'loss'][_group(spot.stride)] += spot.milliseconds
    return dict(sorted(parts.items(), key=lambda item: -sum(item[1].values())))


def _group(stride: int | None) -> str:
    if stride is None:
        return STRIDES[3]
    return STRIDES[0] if stride <= 2 else STRIDES[1] if stride == 4 else STRIDES[2]


def spots_table(spots: list[Spot], most: int = 10) -> str:
    """The most expensive spots as a Markdown table."""
    lines = [
        '| module | operation | shape | type | stride | ms | share |',
        '| --- | --- | --- | --- | --- | --- | --- |',
    ]
    lines += [
        f'| {spot.module or "-"} | {spot.operation} | {"x".join(map(str, spot.shape)) or "-"} '
        f'| {spot.dtype or "-"} | {spot.stride or "-"} | {spot.milliseconds:.2f} | {spot.share:.1%} |'
        for spot in spots[:most]
    ]
    return '\n'.join(lines)


def modules_table(spots: list[Spot], most: int = 10) -> str:
    """Milliseconds by part of the model and stride as a Markdown table; the last row is the whole."""
    parts = by_module(spots)
    whole = {group: sum(part[group] for part in parts.values()) for group in STRIDES}
    lines = [
        f'| part | {" | ".join(f"stride {group}" for group in STRIDES[:3])} | {STRIDES[3]} | ms |',
        '|' + ' --- |' * (len(STRIDES) + 2),
    ]
    for name, times in [*list(parts.items())[:most], ('all', whole)]:
        cells = [f'{times[group]:.1f}' for group in STRIDES]
        lines.append(f'| {name} | {" | ".join(cells)} | {sum(times.values()):.1f} |')
    return '\n'.join(lines)


def profile_steps(model: nn.Module, images: Tensor, amp: str | None, name: str) -> list[Spot]:
    """The spots of one of ``PASSES`` of a model built by a ``Subject``."""
    from .measure import PASSES

    height, width = images.shape[2:]
    return profile(lambda: PASSES[name](model, images, amp), model, (height, width))
