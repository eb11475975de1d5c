"""Checks of numbers that no layer can be built from; each error names the argument."""

import math
from collections.abc import Sequence

from ...utils.errors import UserError


def check_heads(layer: str, embed_dims: int, num_heads: int, window_size: int) -> None:
    """``UserError`` unless all are positive integers and the heads divide the width."""
    for name, value in (
        ('embed_dims', embed_dims),
        ('num_heads', num_heads),
        ('window_size', window_size),
    ):
        check_positive_integer(layer, name, value)
    if embed_dims % num_heads:
        raise UserError(
            f'{layer}: embed_dims must be a multiple of num_heads, got '
            f'embed_dims={embed_dims} and num_heads={num_heads}'
        )


def check_positive_integer(layer: str, name: str, value) -> None:
    """``UserError`` for anything else."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise UserError(f'{layer}: {name} must be a positive integer, got {value!r}')


def check_positive_number(layer: str, name: str, value) -> None:
    """``UserError`` for anything else, infinity and nan included."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < math.inf:
        raise UserError(f'{layer}: {name} must be a positive number, got {value!r}')


def check_not_negative(layer: str, name: str, value) -> None:
    """``UserError`` unless it is a number from 0 on, infinity and nan excluded."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < math.inf:
        raise UserError(f'{layer}: {name} must be a number from 0 on, got {value!r}')


def check_flag(layer: str, name: str, value) -> None:
    """``UserError`` for anything but ``True`` and ``False``."""
    if not isinstance(value, bool):
        raise UserError(f'{layer}: {name} must be True or False, got {value!r}')


def check_shift(layer: str, name: str, shift: int, window_size: int) -> None:
    """``UserError`` for a window grid that would start beyond its first whole window."""
    if not 0 <= shift < window_size:
        raise UserError(
            f'{layer}: {name} must be from 0 to window_size - 1, got {shift} for '
            f'window_size={window_size}'
        )


def hidden_width(layer: str, embed_dims: int, mlp_ratio: float) -> int:
    """The MLP's hidden width, ``embed_dims * mlp_ratio``; ``UserError`` if it has no channel."""
    check_not_negative(layer, 'mlp_ratio', mlp_ratio)
    width = int(embed_dims * mlp_ratio)
    if width < 1:
        raise UserError(
            f'{layer}: mlp_ratio must leave the MLP a channel, got {mlp_ratio!r} for '
            f'embed_dims={embed_dims}'
        )
    return width


def drop_paths(layer: str, drop_path: float | Sequence[float], depth: int) -> list[float]:
    """One rate of stochastic depth for each of ``depth`` blocks, from one for all or one for each."""
    check_positive_integer(layer, 'depth', depth)
    rates = [float(drop_path)] * depth if isinstance(drop_path, int | float) else list(drop_path)
    if len(rates) != depth:
        raise UserError(
            f'{layer}: drop_path must be one rate or one for each of {depth} blocks, got {rates}'
        )
    for rate in rates:
        check_rate(layer, 'drop_path', rate)
    return rates


def check_rate(layer: str, name: str, rate: float) -> None:
    """``UserError`` unless the rate leaves a chance to keep a branch."""
    if not 0 <= rate < 1:
        raise UserError(f'{layer}: {name} must be at least 0 and less than 1, got {rate!r}')
