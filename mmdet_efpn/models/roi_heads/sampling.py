"""What a sampler does with ground-truth boxes."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def nothing_added(sampler) -> Iterator[None]:
    """Keeps a sampler from adding ground-truth boxes to the proposals while the context lasts."""
    adds, sampler.add_gt_as_proposals = sampler.add_gt_as_proposals, False
    try:
        yield
    finally:
        sampler.add_gt_as_proposals = adds
