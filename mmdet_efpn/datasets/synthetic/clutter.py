"""Things that aren't signs: distractors beside them, occluders before them.

Colours are RGB, sizes in pixels.
"""

import cv2
import numpy as np

from .background import jitter, leaves, pick
from .signs import BLUE, RED, WHITE, YELLOW, blank_template, paste, pose, weather

Box = tuple[int, int, int, int]


def paint_billboard(rng: np.random.Generator, scene: np.ndarray) -> None:
    """A board with stripes and something like writing."""
    side = len(scene)
    width, height = round(side * rng.uniform(0.1, 0.25)), round(side * rng.uniform(0.05, 0.14))
    x, y = int(rng.integers(0, side - width)), int(rng.integers(0, side // 2))
    board = scene[y : y + height, x : x + width]
    board[:] = jitter(rng, pick(rng, (RED, BLUE, YELLOW, WHITE, (40, 130, 70), (60, 60, 60))), 30)
    ink = jitter(rng, pick(rng, (WHITE, (30, 30, 40), YELLOW, RED)), 20)
    for row in range(2, height - 3, max(4, height // 4)):
        for column in range(2, width - 3, 5):
            if rng.random() < 0.7:
                board[row : row + max(2, height // 9), column : column + int(rng.integers(2, 5))] = ink


def paint_lights(rng: np.random.Generator, scene: np.ndarray) -> None:
    """A traffic light on a pole: a dark box with one of three lamps on."""
    side = len(scene)
    height = int(rng.integers(side // 20, side // 9))
    width = max(3, height // 3)
    x, y = int(rng.integers(0, side - width)), int(rng.integers(side // 10, side // 2))
    cv2.line(
        scene,
        (x + width // 2, y),
        (x + width // 2, y + side // 4),
        (70, 70, 72),
        max(1, side // 160),
    )
    scene[y : y + height, x : x + width] = (25, 28, 28)
    on = rng.integers(3)
    for lamp, colour in enumerate(((235, 40, 30), (245, 180, 30), (40, 220, 120))):
        centre = (x + width // 2, y + height * (2 * lamp + 1) // 6)
        shown = colour if lamp == on else tuple(part // 5 for part in colour)
        cv2.circle(scene, centre, max(1, width // 3), shown, -1, cv2.LINE_AA)


def paint_car(rng: np.random.Generator, scene: np.ndarray) -> None:
    """A car from behind, on the lower half, with red tail lights and a white plate."""
    side = len(scene)
    width = round(side * rng.uniform(0.06, 0.16))
    height = round(width * 0.7)
    x, y = int(rng.integers(0, side - width)), int(rng.integers(round(side * 0.58), side - height))
    body = jitter(
        rng,
        pick(rng, ((160, 30, 35), (30, 50, 110), (220, 220, 220), (50, 50, 55), (130, 135, 140))),
    )
    cv2.ellipse(
        scene, (x + width // 2, y + height), (width // 2, height // 8), 0, 0, 360, (40, 40, 42), -1
    )
    scene[y + height // 3 : y + height, x : x + width] = body
    scene[y : y + height // 3, x + width // 7 : x + width - width // 7] = jitter(rng, (60, 75, 90))
    lamp = max(2, width // 8)
    for left in (x, x + width - lamp):
        scene[y + height // 2 : y + height // 2 + lamp, left : left + lamp] = (215, 35, 30)
    plate = scene[
        y + height * 3 // 4 : y + height * 3 // 4 + lamp // 2 + 1,
        x + width // 3 : x + 2 * width // 3,
    ]
    plate[:] = WHITE


def paint_blank(rng: np.random.Generator, scene: np.ndarray, side: int, x: int, y: int) -> None:
    """A shape without a mark, up to ``side`` pixels, its top left corner at (x, y)."""
    shape = pick(rng, ('disc', 'triangle', 'diamond', 'square'))
    colour = jitter(rng, pick(rng, (RED, BLUE, YELLOW, (40, 140, 80), (130, 130, 130))), 15)
    paste(scene, weather(rng, pose(rng, blank_template(shape, colour), side, 4)), x, y)


def occlude(rng: np.random.Generator, scene: np.ndarray, box: Box) -> None:
    """Hide up to about a third of the sign in ``box`` (x1, y1, x2, y2) by a twig or thin pole."""
    x1, y1, x2, y2 = box
    width, height = x2 - x1, y2 - y1
    if rng.random() < 0.5:
        corner = (pick(rng, (x1, x2)), pick(rng, (y1, y2)))
        leaves(rng, scene, corner, 0.45 * width, amount=14, leaf=0.1 * width)
    else:
        x = round(x1 + width * pick(rng, (rng.uniform(0.1, 0.3), rng.uniform(0.7, 0.9))))
        thickness = max(1, round(0.15 * width))
        cv2.line(scene, (x, y1 - height), (x, y2 + 2 * height), jitter(rng, (75, 72, 70)), thickness)
