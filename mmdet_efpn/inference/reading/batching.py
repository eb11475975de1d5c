"""Batches of pictures that are padded to one size, so that a batch changes no picture's result."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any

from torch import Tensor, nn


def padded_size(model: nn.Module) -> Callable[[dict], Hashable]:
    """The size to which a detector pads a picture of its own, as a function of the pipeline's data.

    Where a picture is padded further, because others in the batch are larger, a convolutional net gives
    other features near the padding, and so other boxes. The data preprocessor pads each picture to a
    multiple of ``pad_size_divisor`` anyway; pictures that come to the same size there can share a batch.
    """
    module: Any = model
    while not hasattr(module, 'data_preprocessor') and hasattr(module, 'module'):
        module = module.module
    divisor = int(getattr(getattr(module, 'data_preprocessor', None), 'pad_size_divisor', 1) or 1)

    def size(data: dict) -> Hashable:
        inputs = data['inputs']
        views = inputs if isinstance(inputs, (list, tuple)) else [inputs]  # of test-time augmentation
        return tuple(
            tuple(-(-side // divisor) * divisor for side in view.shape[-2:])
            for view in views
            if isinstance(view, Tensor)
        )

    return size


def in_batches(
    loaded: Iterable[Any],
    key: Callable[[Any], Hashable],
    batch_size: int,
    most_waiting: int,
) -> Iterator[list[Any]]:
    """Groups what has the same key into batches.

    Args:
        loaded: Anything, in its order.
        key: What must be equal in a batch.
        batch_size: The most in a batch.
        most_waiting: Where more than these wait for others like them, the longest-waiting group goes.

    Yields:
        Batches of 1 to ``batch_size``.
    """
    groups: dict[Hashable, list] = {}
    waiting = 0
    for one in loaded:
        kind = key(one)
        group = groups.setdefault(kind, [])
        group.append(one)
        waiting += 1
        if len(group) < batch_size:
            if waiting <= most_waiting:
                continue
            kind = next(iter(groups))
        batch = groups.pop(kind)
        waiting -= len(batch)
        yield batch
    yield from groups.values()
