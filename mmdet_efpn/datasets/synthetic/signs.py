"""Draws traffic signs, and pastes them into a scene at a given size. Colours are RGB."""

from functools import cache

import cv2
import numpy as np

TEMPLATE_SIDE = 192
CENTRE = TEMPLATE_SIDE // 2

RED, BLUE, YELLOW = (200, 25, 35), (25, 85, 190), (250, 190, 20)
WHITE, BLACK = (245, 245, 240), (20, 20, 20)
TRIANGLE = np.array([(96, 6), (188, 178), (4, 178)])
DIAMOND = np.array([(96, 4), (188, 96), (96, 188), (4, 96)])
ARROW_UP = np.array([(96, 30), (142, 88), (112, 88), (112, 160), (80, 160), (80, 88), (50, 88)])
SPEEDS = ('30', '50', '60', '80')


@cache
def sign_template(name: str, variant: int = 0) -> np.ndarray:
    """One sign seen from the front, (192, 192, 4) uint8 RGBA.

    Args:
        name: One of ``SYNTHETIC_SIGNS_CLASSES``.
        variant: Picks the number on a speed limit; the others have one look.
    """
    image = np.zeros((TEMPLATE_SIDE, TEMPLATE_SIDE, 3), np.uint8)
    mask = np.zeros((TEMPLATE_SIDE, TEMPLATE_SIDE), np.uint8)
    if name == 'no-entry':
        _disc(image, mask, RED)
        cv2.rectangle(image, (28, 76), (164, 116), WHITE, -1)
    elif name == 'speed-limit':
        _disc(image, mask, RED)
        cv2.circle(image, (CENTRE, CENTRE), 66, WHITE, -1, cv2.LINE_AA)
        _centred_text(image, SPEEDS[variant % len(SPEEDS)])
    elif name == 'warning':
        _polygon(image, mask, TRIANGLE, RED)
        inner = np.round(TRIANGLE + 0.36 * ((96, 120) - TRIANGLE)).astype(int)
        cv2.fillPoly(image, [inner], WHITE, cv2.LINE_AA)
        cv2.fillPoly(image, [np.array([(85, 66), (107, 66), (102, 122), (90, 122)])], BLACK, cv2.LINE_AA)
        cv2.circle(image, (96, 138), 11, BLACK, -1, cv2.LINE_AA)
    elif name in ('ahead-only', 'turn-right'):
        _disc(image, mask, BLUE)
        arrow = ARROW_UP if name == 'ahead-only' else np.stack([192 - ARROW_UP[:, 1], ARROW_UP[:, 0]], 1)
        cv2.fillPoly(image, [arrow], WHITE, cv2.LINE_AA)
    elif name == 'priority':
        _polygon(image, mask, DIAMOND, WHITE)
        inner = np.round(DIAMOND + 0.34 * (CENTRE - DIAMOND)).astype(int)
        cv2.fillPoly(image, [inner], YELLOW, cv2.LINE_AA)
    else:
        raise ValueError(f'unknown sign {name!r}')
    return np.dstack([image, mask])


def blank_template(shape: str, colour: tuple[int, int, int]) -> np.ndarray:
    """A distractor without a mark, (192, 192, 4) uint8 RGBA.

    ``shape`` is ``'disc'``, ``'triangle'``, ``'diamond'`` or ``'square'``.
    """
    image = np.zeros((TEMPLATE_SIDE, TEMPLATE_SIDE, 3), np.uint8)
    mask = np.zeros((TEMPLATE_SIDE, TEMPLATE_SIDE), np.uint8)
    if shape == 'disc':
        _disc(image, mask, colour)
    else:
        square = np.array([(8, 8), (184, 8), (184, 184), (8, 184)])
        _polygon(image, mask, dict(triangle=TRIANGLE, diamond=DIAMOND, square=square)[shape], colour)
    return np.dstack([image, mask])


def _disc(image: np.ndarray, mask: np.ndarray, colour: tuple[int, int, int]) -> None:
    cv2.circle(image, (CENTRE, CENTRE), 94, WHITE, -1, cv2.LINE_AA)
    cv2.circle(image, (CENTRE, CENTRE), 89, colour, -1, cv2.LINE_AA)
    cv2.circle(mask, (CENTRE, CENTRE), 94, 255, -1, cv2.LINE_AA)


def _polygon(
    image: np.ndarray, mask: np.ndarray, corners: np.ndarray, colour: tuple[int, int, int]
) -> None:
    cv2.fillPoly(image, [corners], colour, cv2.LINE_AA)
    cv2.fillPoly(mask, [corners], 255, cv2.LINE_AA)


def _centred_text(image: np.ndarray, text: str) -> None:
    font, scale, thickness = cv2.FONT_HERSHEY_SIMPLEX, 2.5, 13
    (width, height), _ = cv2.getTextSize(text, font, scale, thickness)
    origin = (CENTRE - width // 2, CENTRE + height // 2)
    cv2.putText(image, text, origin, font, scale, BLACK, thickness, cv2.LINE_AA)


def pose(rng: np.random.Generator, template: np.ndarray, long_side: int, min_side: int) -> np.ndarray:
    """Tilt and squeeze a template a little and scale it.

    Returns:
        (h, w, 4) float32 RGBA in 0..1, colours premultiplied by alpha; max(h, w) is ``long_side``,
        and neither side is under ``min_side``. The sign touches all four edges.
    """
    matrix = cv2.getRotationMatrix2D((CENTRE, CENTRE), rng.uniform(-7, 7), 0.9)
    squeeze = rng.uniform(0.8, 1.0)
    matrix[0] *= squeeze
    matrix[0, 1] += rng.uniform(-0.06, 0.06)
    matrix[0, 2] += CENTRE * (1 - squeeze)
    warped = cv2.warpAffine(template, matrix, (TEMPLATE_SIDE, TEMPLATE_SIDE), flags=cv2.INTER_LINEAR)
    rows, columns = np.nonzero(warped[..., 3] > 127)
    sign = (
        warped[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].astype(np.float32) / 255
    )
    sign[..., :3] *= sign[..., 3:]
    height, width = sign.shape[:2]
    scale = long_side / max(height, width)
    target = max(round(width * scale), min_side), max(round(height * scale), min_side)
    return cv2.resize(sign, target, interpolation=cv2.INTER_AREA)


def weather(rng: np.random.Generator, sign: np.ndarray) -> np.ndarray:
    """Brightness, fading and a light gradient on a posed sign; same shape and alpha."""
    colour, alpha = sign[..., :3], sign[..., 3:]
    fading = rng.uniform(0, 0.25)
    colour = colour * (1 - fading) + fading * 0.55 * alpha
    gradient = np.linspace(*rng.uniform(0.8, 1.1, 2), sign.shape[0], dtype=np.float32)[:, None, None]
    colour = np.minimum(colour * gradient * rng.uniform(0.7, 1.1), alpha)
    return np.dstack([colour, alpha]).astype(np.float32)


def paste(scene: np.ndarray, sign: np.ndarray, x: int, y: int) -> None:
    """Blend a posed sign into a uint8 RGB scene, top left corner at (x, y); it must lie inside."""
    height, width = sign.shape[:2]
    patch = scene[y : y + height, x : x + width]
    blended = patch * (1 - sign[..., 3:]) + 255 * sign[..., :3]
    patch[:] = np.clip(np.round(blended), 0, 255).astype(np.uint8)
