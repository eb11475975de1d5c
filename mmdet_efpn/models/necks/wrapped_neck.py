"""The neck that an ``ExtendedNeck`` wraps: checks of its config, and of the pyramid that it gives."""

from collections.abc import Sequence

from mmdet.registry import MODELS
from torch import Tensor, nn

from ...utils.errors import UserError
from ..utils.nested_config import check_config

EXAMPLE = "dict(type='PAFPN', in_channels=[...], out_channels=256, num_outs=5)"


def build_wrapped_neck(cfg: dict | list[dict]) -> nn.Module:
    """Builds a neck, or necks in a row, whose first level is P2.

    Args:
        cfg (dict | list[dict]): ``neck.neck`` of a detector's config.

    Raises:
        UserError: no config of a neck, a ``start_level`` that leaves P2 out, or a ``num_outs`` that
            the neck cannot give.
    """
    necks = cfg if isinstance(cfg, list) and cfg else [cfg]
    for neck in necks:
        check_config('neck.neck', neck, EXAMPLE)
    start_level = necks[0].get('start_level', 0)
    if start_level != 0:
        raise UserError(
            'neck.neck.start_level must be 0, because the extension needs P2 at stride 4, got '
            f'{start_level}; with 0, the first level is P2, and neck.neck.num_outs is 1 higher for '
            'each level that this adds'
        )
    try:
        return MODELS.build(cfg)
    except AssertionError as error:  # MMDetection's necks say no more than that a number does not fit
        numbers = {k: necks[0][k] for k in ('in_channels', 'num_outs', 'end_level') if k in necks[0]}
        raise UserError(
            f'neck.neck ({necks[0]["type"]}) cannot be built with {numbers}'
            + (f': {error}' if str(error) else '')
            + "; neck.neck.num_outs must be at least the number of neck.neck.in_channels: P2' does not "
            'count there'
        ) from error


def width_of_outputs(neck: dict) -> int:
    """Width of a neck's outputs, from its config."""
    width = neck.get('out_channels', neck.get('in_channels'))
    if not isinstance(width, int):
        raise UserError(
            f'the config of neck.neck ({neck["type"]}) does not tell one width of its outputs '
            f'(out_channels={width!r}); set neck.out_channels'
        )
    return width


def check_pyramid(levels: Sequence[Tensor], width: int, c2_prime: Tensor | None) -> None:
    """Checks that a wrapped neck's outputs are P2 at stride 4 and P3 at stride 8.

    Args:
        levels (Sequence[Tensor]): The outputs, (B, C, H_i, W_i).
        width (int): Their width C, as the config has it.
        c2_prime (Tensor, optional): (B, C', H, W), the stride-2 feature.

    Raises:
        UserError: another width, or sizes that are not octaves.
    """
    sizes = [tuple(level.shape[2:]) for level in levels]
    if levels[0].shape[1] != width or levels[1].shape[1] != width:
        raise UserError(
            f'neck.out_channels is {width}, but neck.neck gives maps of '
            f'{[level.shape[1] for level in levels]} channels'
        )
    if sizes[1] != _half(sizes[0]):
        raise UserError(
            'neck.neck must give levels of strides 4, 8, ..., finest first, each half the size of '
            f'the one before, rounded up, but gives sizes {sizes}; a neck that gives the coarsest '
            'first cannot be extended, and odd sizes may need '
            'model.data_preprocessor.pad_size_divisor=32'
        )
    if c2_prime is not None and sizes[0] != _half(c2_prime.shape[2:]):
        raise UserError(
            f"C2' has the size {tuple(c2_prime.shape[2:])} at stride 2, so neck.neck must begin "
            f'with P2 of the size {_half(c2_prime.shape[2:])} at stride 4, but its levels have '
            f'the sizes {sizes}; where it begins at stride 8, add C2 to backbone.out_indices '
            'and to neck.neck.in_channels'
        )


def _half(size: Sequence[int]) -> tuple[int, ...]:
    return tuple((side + 1) // 2 for side in size)
