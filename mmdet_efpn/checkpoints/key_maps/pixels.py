"""Whether a config gives a detector the pixels that its weights expect."""

from collections.abc import Mapping, Sequence
from typing import Any

from ...utils.config_parts import inner_detector

TOLERANCE = 0.01  # of a grey value


def pixels_report(expected: Mapping[str, Any], model: Mapping[str, Any]) -> str:
    """One line: what the weights expect of an image, and whether the config gives it.

    Args:
        expected (Mapping): ``mean``, ``std`` and ``bgr_to_rgb``, as a ``data_preprocessor`` takes them.
        model (Mapping): The config's ``model``.

    Example:
        >>> expected = dict(mean=[1.0, 2.0, 3.0], std=[1.0, 1.0, 1.0], bgr_to_rgb=True)
        >>> print(pixels_report(expected, dict(data_preprocessor=expected)))
        pixels: RGB, mean 1, 2, 3, std 1, 1, 1, as the config's data_preprocessor has it
    """
    wanted = _words(expected)
    given = inner_detector(model).get('data_preprocessor') or model.get('data_preprocessor') or {}
    if _agree(expected, given):
        return f"pixels: {wanted}, as the config's data_preprocessor has it"
    setting = ', '.join(f'{key}={expected[key]!r}' for key in ('mean', 'std', 'bgr_to_rgb'))
    return (
        f"WARNING: pixels: the weights expect {wanted}, but the config's data_preprocessor gives "
        f'{_words(given)}; set model.data_preprocessor=dict({setting})'
    )


def _agree(expected: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    return _is_rgb(expected) == _is_rgb(given) and all(
        len(expected[key]) == len(_values(given, key))
        and all(abs(a - b) <= TOLERANCE for a, b in zip(expected[key], _values(given, key), strict=True))
        for key in ('mean', 'std')
    )


def _values(preprocessor: Mapping[str, Any], key: str) -> Sequence[float]:
    """The three numbers; MMDetection takes 0 and 1 where a config has none."""
    return preprocessor.get(key) or [float(key == 'std')] * 3


def _is_rgb(preprocessor: Mapping[str, Any]) -> bool:
    """Whether channels are swapped after loading, which gives BGR."""
    return bool(preprocessor.get('bgr_to_rgb') or preprocessor.get('rgb_to_bgr'))


def _words(preprocessor: Mapping[str, Any]) -> str:
    numbers = ', '.join(
        f'{key} {", ".join(f"{value:g}" for value in _values(preprocessor, key))}'
        for key in ('mean', 'std')
    )
    return f'{"RGB" if _is_rgb(preprocessor) else "BGR"}, {numbers}'
