"""Whether each head reads the levels that it was told of, and its anchors or points stand in place."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ..parts.pyramid import Levels
from ..report import CannotExtendError

CELLS = (3, 5)  # of the maps on which anchors and points are compared
SIDES = (4, 8, 16, 24, 40, 55, 57, 80, 111, 113, 160, 224, 300, 500, 1000)  # of RoIs, px


@contextmanager
def maps_received(model: nn.Module) -> Iterator[dict[str, list[tuple[int, int]]]]:
    """While it lasts, notes the sizes of the maps that dense heads and RoI extractors get."""
    received: dict[str, list[tuple[int, int]]] = {}

    def note(name):
        def hook(module, args):
            maps = args[0] if args and isinstance(args[0], (list, tuple)) else ()
            if maps and all(isinstance(level, Tensor) and level.dim() == 4 for level in maps):
                received[name] = [tuple(level.shape[-2:]) for level in maps]

        return hook

    handles = [
        module.register_forward_pre_hook(note(name))
        for name, module in model.named_modules()
        if _prior_generator(module) is not None or hasattr(module, 'featmap_strides')
    ]
    try:
        yield received
    finally:
        for handle in handles:
            handle.remove()


def _prior_generator(module: nn.Module):
    """A head's anchors or points: a generator with a stride for each level; or ``None``."""
    generator = getattr(module, 'prior_generator', None)
    return generator if hasattr(generator, 'strides') else None


def check_pyramid(sizes: tuple, image_size: tuple[int, int], levels: Levels) -> None:
    """Checks that the neck gives the levels that the report speaks of.

    Args:
        sizes (tuple): Height and width of the maps that it gave; empty where these are no pyramid.
        image_size (tuple[int, int]): Height and width of the padded batch in pixels.
        levels (Levels): What it should give.
    """
    expected = tuple(tuple(-(-side // stride) for side in image_size) for stride in levels.extended)
    if sizes and sizes[: len(expected)] != expected:
        raise CannotExtendError(
            f'model.neck: for a picture of {image_size} the extended neck gives maps of {list(sizes)}, '
            f'but strides {list(levels.extended)} make {list(expected)}'
        )


def check_heads(
    model: nn.Module, received: dict[str, list[tuple[int, int]]], image_size: tuple[int, int]
) -> None:
    """Checks each head's strides against the maps that it got.

    Args:
        model (nn.Module): The extended detector.
        received (dict): Sizes of each head's maps, by its name (:func:`maps_received`).
        image_size (tuple[int, int]): Height and width of the padded batch in pixels.

    Raises:
        CannotExtendError: A stride does not explain its map; the message names the config key.
    """
    for name, sizes in received.items():
        module: Any = model.get_submodule(name)
        generator = _prior_generator(module)
        if generator is not None:
            key = f'model.{name}: strides of its anchors or points'
            strides = [_pair(stride) for stride in generator.strides]
        else:
            key = f'model.{name}.featmap_strides'
            strides = [_pair(stride) for stride in module.featmap_strides]
        if len(strides) == 1 and len(sizes) > 1:
            continue  # CondInst's mask branch: its points are those of the masks
        if generator is not None and len(sizes) > len(strides):
            sizes = sizes[len(sizes) - len(strides) :]  # an RPN that leaves P2' out
        if generator is None and sizes[0] == (1, 1) and (1, 1) not in sizes[1:2]:
            sizes, strides = sizes[1:], strides[1:]  # its RoI head pools P2' elsewhere
        fits = len(sizes) >= len(strides) and all(
            abs(cells - side / stride) <= 1
            for size, pair in zip(sizes, strides, strict=False)
            for cells, side, stride in zip(size, image_size, reversed(pair), strict=True)
        )
        if not fits:
            raise CannotExtendError(
                f'{key} are {[pair[0] for pair in strides]}, but for a picture of {image_size} it reads '
                f'maps of {sizes}'
            )


def _pair(stride) -> tuple[float, float]:
    """Strides along width and height."""
    return tuple(stride) if isinstance(stride, (list, tuple)) else (stride, stride)


def check_priors(plain: nn.Module, extended: nn.Module, levels: Levels) -> None:
    """Checks that the levels that both detectors have keep their anchors or points.

    Raises:
        CannotExtendError: An anchor or a point was moved; the message names the head.
    """
    for name, module in extended.named_modules():
        generator = _prior_generator(module)
        if generator is None or not hasattr(generator, 'single_level_grid_priors'):
            continue
        try:
            before = _prior_generator(plain.get_submodule(name))
        except AttributeError:
            continue
        if before is None:
            continue
        added = len(generator.strides) - len(before.strides)
        for level in range(len(before.strides)):
            old, new = (
                _priors(source, place) for source, place in ((before, level), (generator, level + added))
            )
            if old.shape != new.shape or not torch.allclose(old, new):
                raise CannotExtendError(
                    f'model.{name}: its anchors or points of stride {_pair(before.strides[level])[0]} '
                    'would not stay as they are in the plain detector'
                )
        if added > 0 and len(levels.added):
            _check_finer_anchors(name, generator, added)


def _priors(generator, level: int) -> Tensor:
    priors = generator.single_level_grid_priors(CELLS, level, device='cpu')
    return getattr(priors, 'tensor', priors)


def _check_finer_anchors(name: str, generator, added: int) -> None:
    """New anchors are half the size of the next level's, round the middles of their own cells."""
    # Legacy anchors are rounded to whole pixels, and begin at the middle of a cell less half a pixel.
    tolerance = 2.5 if type(generator).__name__.startswith('Legacy') else 0.75  # px
    for level in range(added):
        fine, coarse = _priors(generator, level), _priors(generator, level + 1)
        if fine.shape == coarse.shape and not torch.allclose(
            2 * fine, coarse, rtol=0.02, atol=tolerance
        ):
            raise CannotExtendError(
                f'model.{name}: the anchors or points of the new level {level} are not half of those of '
                f'level {level + 1}'
            )


def check_roi_levels(plain: nn.Module, extended: nn.Module, levels: Levels) -> None:
    """Checks that RoIs are pooled from where they were, but for the small ones, which read P2'.

    Raises:
        CannotExtendError: A RoI reads another level than before; the message names the extractor.
    """
    rois = torch.tensor([[0.0, 10.0, 10.0, 10.0 + side, 10.0 + side] for side in SIDES])
    modules: list[tuple[str, Any]] = list(extended.named_modules())
    for name, module in modules:
        if not hasattr(module, 'map_roi_levels'):
            continue
        try:
            before: Any = plain.get_submodule(name)
        except AttributeError:
            continue
        if not hasattr(before, 'map_roi_levels') or len(before.featmap_strides) < 2:
            continue
        old, new = (
            [e.featmap_strides[level] for level in e.map_roi_levels(rois, len(e.featmap_strides))]
            for e in (before, module)
        )
        moved = [
            (side, a, b)
            for side, a, b in zip(SIDES, old, new, strict=True)
            if a != b and not (b in levels.added and a == levels.plain[0])
        ]
        if moved:
            side, a, b = moved[0]
            raise CannotExtendError(
                f'model.{name}: a RoI of {side} px would be pooled from stride {b}, which the plain '
                f'detector pools from stride {a}'
            )
