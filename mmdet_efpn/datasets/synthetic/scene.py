"""Puts a synthetic road scene together: background, distractors, signs, occluders, camera."""

import cv2
import numpy as np

from ..class_names import SYNTHETIC_SIGNS_CLASSES
from .background import jitter, paint_background, pick, smooth_noise
from .clutter import Box, occlude, paint_billboard, paint_blank, paint_car, paint_lights
from .signs import paste, pose, sign_template, weather

MIN_SIGN_SIDE, MAX_SIGN_SIDE = 6, 48
MIN_SIGNS, MAX_SIGNS = 3, 8
SMALLEST_OCCLUDED_SIDE = 12


def paint_scene(rng: np.random.Generator, side: int) -> tuple[np.ndarray, list[tuple[str, Box]]]:
    """One scene and its signs.

    The box of a sign is its full extent, also where a twig or a pole hides a part of it (at most
    about a third).

    Args:
        rng: Decides everything; the same state paints the same scene.
        side: Width and height in pixels, at least 128.

    Returns:
        The image, (side, side, 3) uint8 RGB, and 3 to 8 signs as ``(class name, (x1, y1, x2, y2))``
        with sides of 6 to 48 px, evenly spread in the logarithm, that don't overlap.
    """
    scene = paint_background(rng, side)
    for paint, most in ((paint_billboard, 2), (paint_lights, 2), (paint_car, 3)):
        for _ in range(rng.integers(most + 1)):
            paint(rng, scene)

    taken: list[Box] = []
    for _ in range(rng.integers(4)):
        blank_side = round(_log_uniform(rng, 10, MAX_SIGN_SIDE))
        place = _free_place(rng, side, blank_side, blank_side, taken)
        if place:
            taken.append((*place, place[0] + blank_side, place[1] + blank_side))
            paint_blank(rng, scene, blank_side, *place)

    signs = [
        sign
        for _ in range(rng.integers(MIN_SIGNS, MAX_SIGNS + 1))
        if (sign := _paint_sign(rng, scene, taken))
    ]
    for _, box in signs:
        if box[2] - box[0] >= SMALLEST_OCCLUDED_SIDE and rng.random() < 0.2:
            occlude(rng, scene, box)
    return _photograph(rng, scene), signs


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _paint_sign(rng: np.random.Generator, scene: np.ndarray, taken: list[Box]) -> tuple[str, Box] | None:
    name = pick(rng, SYNTHETIC_SIGNS_CLASSES)
    long_side = round(_log_uniform(rng, MIN_SIGN_SIDE, MAX_SIGN_SIDE))
    sign = weather(rng, pose(rng, sign_template(name, int(rng.integers(4))), long_side, MIN_SIGN_SIDE))
    height, width = sign.shape[:2]
    place = _free_place(rng, len(scene), width, height, taken)
    if place is None:
        return None
    x, y = place
    if rng.random() < 0.8:
        pole_x, thickness = x + width // 2, max(1, width // 9)
        foot = y + height + int(height * rng.uniform(1.5, 4))
        cv2.line(
            scene, (pole_x, y + height - 1), (pole_x, foot), jitter(rng, (120, 120, 118)), thickness
        )
    paste(scene, sign, x, y)
    box = (x, y, x + width, y + height)
    taken.append(box)
    return name, box


def _free_place(
    rng: np.random.Generator, side: int, width: int, height: int, taken: list[Box], gap: int = 4
) -> tuple[int, int] | None:
    """A random top left corner with nothing taken nearer than ``gap``, or None after 30 tries."""
    for _ in range(30):
        x, y = (
            int(rng.integers(0, side - width + 1)),
            int(rng.integers(0, int(side * 0.85) - height + 1)),
        )
        apart = (
            x >= x2 + gap or x1 >= x + width + gap or y >= y2 + gap or y1 >= y + height + gap
            for x1, y1, x2, y2 in taken
        )
        if all(apart):
            return x, y
    return None


def _photograph(rng: np.random.Generator, scene: np.ndarray) -> np.ndarray:
    """Light, colour cast, shade, motion blur and sensor noise."""
    side = len(scene)
    light = rng.uniform(0.65, 1.15) * rng.uniform(0.94, 1.06, 3)
    shade = 1 + rng.uniform(0, 0.15) * smooth_noise(rng, side, side, side / 3)[..., None]
    image = scene.astype(np.float32) * light.astype(np.float32) * shade
    if rng.random() < 0.4:
        # Up to 3 px: more would wipe out a sign of 6 px.
        angle = rng.uniform(0, np.pi)
        kernel = np.zeros((3, 3), np.float32)
        for step in np.linspace(-1, 1, 9):
            kernel[round(1 + step * np.sin(angle)), round(1 + step * np.cos(angle))] += 1
        image = cv2.filter2D(image, -1, kernel / kernel.sum())
    image += rng.standard_normal(image.shape, dtype=np.float32) * rng.uniform(2, 7)
    return np.clip(np.round(image), 0, 255).astype(np.uint8)
