"""Paints the scene behind the signs: sky, buildings, trees, road.

Colours are RGB, sizes in pixels.
"""

import cv2
import numpy as np


def paint_background(rng: np.random.Generator, side: int) -> np.ndarray:
    """A road scene without signs, (side, side, 3) uint8."""
    scene = np.zeros((side, side, 3), np.uint8)
    horizon = round(side * rng.uniform(0.4, 0.6))
    _sky(rng, scene)
    for _ in range(rng.integers(2, 6)):
        _building(rng, scene, horizon)
    _ground(rng, scene, horizon)
    _road(rng, scene, horizon)
    for _ in range(rng.integers(1, 6)):
        _tree(rng, scene, horizon)
    return scene


def smooth_noise(rng: np.random.Generator, height: int, width: int, cell: float) -> np.ndarray:
    """Noise in -1..1 with features of about ``cell`` pixels, (height, width) float32."""
    coarse = rng.uniform(-1, 1, (int(height / cell) + 2, int(width / cell) + 2)).astype(np.float32)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)


def add_texture(rng: np.random.Generator, region: np.ndarray, amplitude: float, cell: float) -> None:
    """Vary the brightness of a uint8 region in place, coarsely (``cell`` pixels) and finely."""
    height, width = region.shape[:2]
    if not height or not width:
        return
    noise = smooth_noise(rng, height, width, cell) + 0.5 * smooth_noise(rng, height, width, 1.5)
    region[:] = np.clip(region + amplitude * noise[..., None], 0, 255).astype(np.uint8)


def jitter(rng: np.random.Generator, colour: tuple[int, int, int], amount: int = 20) -> tuple[int, ...]:
    """The colour, moved by up to ``amount`` in each channel."""
    return tuple(int(np.clip(part + rng.integers(-amount, amount + 1), 0, 255)) for part in colour)


def pick(rng: np.random.Generator, choices: tuple):
    """One of ``choices``, as it is (no conversion to numpy)."""
    return choices[rng.integers(len(choices))]


def _sky(rng: np.random.Generator, scene: np.ndarray) -> None:
    side = len(scene)
    top = jitter(rng, pick(rng, ((110, 160, 220), (165, 175, 185), (90, 120, 170), (200, 190, 180))))
    bottom = jitter(rng, (205, 212, 218))
    blend = np.linspace(0, 1, side)[:, None, None]
    scene[:] = np.uint8(np.array(top) * (1 - blend) + np.array(bottom) * blend)
    clouds = np.maximum(smooth_noise(rng, side, side, side / 5), 0)[..., None]
    scene[:] = np.uint8(scene + (235 - scene.astype(np.float32)) * 0.7 * clouds)


def _building(rng: np.random.Generator, scene: np.ndarray, horizon: int) -> None:
    side = len(scene)
    width, height = round(side * rng.uniform(0.15, 0.45)), round(side * rng.uniform(0.15, 0.5))
    left = int(rng.integers(-width // 2, side - width // 2))
    x1, x2, y1 = max(left, 0), min(left + width, side), max(horizon - height, 0)
    wall = jitter(
        rng,
        pick(rng, ((150, 110, 90), (170, 165, 155), (120, 120, 130), (190, 175, 140), (140, 80, 70))),
    )
    scene[y1:horizon, x1:x2] = wall
    window = jitter(rng, (60, 75, 95))
    lit = jitter(rng, pick(rng, ((225, 205, 140), (200, 215, 230), (70, 60, 60))))
    step_x, step_y = rng.integers(side // 24, side // 12, 2) + 3
    pane_x, pane_y = int(step_x * rng.uniform(0.4, 0.7)), int(step_y * rng.uniform(0.4, 0.75))
    for y in range(y1 + 3, horizon - pane_y, step_y):
        for x in range(x1 + 3, x2 - pane_x, step_x):
            scene[y : y + pane_y, x : x + pane_x] = lit if rng.random() < 0.2 else window
    add_texture(rng, scene[y1:horizon, x1:x2], rng.uniform(6, 16), side / 30)


def _ground(rng: np.random.Generator, scene: np.ndarray, horizon: int) -> None:
    ground = jitter(rng, pick(rng, ((95, 120, 70), (140, 135, 125), (120, 105, 80), (105, 110, 105))))
    scene[horizon:] = ground
    add_texture(rng, scene[horizon:], rng.uniform(12, 28), len(scene) / 40)


def _road(rng: np.random.Generator, scene: np.ndarray, horizon: int) -> None:
    side = len(scene)
    vanishing = np.array([side * rng.uniform(0.3, 0.7), horizon])
    left, right = side * rng.uniform(-0.4, 0.15), side * rng.uniform(0.85, 1.4)
    asphalt = scene.copy()
    corners = np.array(
        [(vanishing[0] - 4, horizon), (vanishing[0] + 4, horizon), (right, side), (left, side)]
    )
    mask = cv2.fillPoly(np.zeros((side, side), np.uint8), [corners.astype(np.int32)], 1)
    grey = int(rng.integers(65, 130))
    asphalt[horizon:] = jitter(rng, (grey, grey, grey), 6)
    add_texture(rng, asphalt[horizon:], rng.uniform(8, 18), side / 60)
    paint = jitter(rng, (215, 215, 205))
    lanes = rng.integers(2, 4)
    for lane in range(lanes + 1):
        foot = np.array([left + (right - left) * (0.03 + 0.94 * lane / lanes), side])
        dashes = (
            ((0.0, 1.0),)
            if lane in (0, lanes)
            else ((0.1, 0.16), (0.25, 0.36), (0.5, 0.65), (0.82, 1.0))
        )
        for start, end in dashes:
            half = np.array([side * 0.008, 0])
            near, far = vanishing + (foot - vanishing) * end, vanishing + (foot - vanishing) * start
            stripe = np.array(
                [far - half * start, far + half * start, near + half * end, near - half * end]
            )
            cv2.fillPoly(asphalt, [stripe.astype(np.int32)], paint, cv2.LINE_AA)
    np.copyto(scene, asphalt, where=mask[..., None].astype(bool))


def _tree(rng: np.random.Generator, scene: np.ndarray, horizon: int) -> None:
    side = len(scene)
    x, base = int(rng.integers(0, side)), horizon + round(side * rng.uniform(0, 0.12))
    height = side * rng.uniform(0.12, 0.35)
    cv2.line(
        scene,
        (x, base),
        (x, round(base - height * 0.6)),
        jitter(rng, (80, 60, 45)),
        max(2, side // 90),
    )
    crown = (x, base - height * 0.75)
    leaves(rng, scene, crown, height * 0.35, amount=int(rng.integers(60, 130)), leaf=side * 0.011)


def leaves(
    rng: np.random.Generator,
    scene: np.ndarray,
    centre: tuple[float, float],
    spread: float,
    amount: int,
    leaf: float,
) -> None:
    """Paint ``amount`` leaves of about ``leaf`` pixels radius, spread normally round ``centre``."""
    green = jitter(rng, pick(rng, ((70, 110, 50), (95, 125, 60), (120, 105, 45), (55, 90, 60))))
    places = rng.normal(centre, spread / 2, (amount, 2)).astype(int)
    radii = np.maximum(rng.uniform(0.5, 1.5, amount) * leaf, 1).astype(int)
    shades = rng.integers(-35, 36, amount)
    for (x, y), radius, shade in zip(places.tolist(), radii.tolist(), shades.tolist(), strict=True):
        colour = tuple(min(max(part + shade, 0), 255) for part in green)
        cv2.circle(scene, (x, y), radius, colour, -1)
