"""Draws boxes whose labels leave small objects in sight. Images are (h, w, 3) uint8 RGB."""

from collections.abc import Sequence

import cv2
import numpy as np

from ..datasets import distinct_colours

Colour = tuple[int, int, int]
FONT = cv2.FONT_HERSHEY_SIMPLEX
DEFAULT_COLOUR = (40, 220, 60)


def palette_of(meta: dict) -> list[Colour]:
    """A colour for each class of a data set: its own, or others that are the same in every picture."""
    palette, amount = meta.get('palette'), len(meta['classes'])
    if isinstance(palette, (list, tuple)) and len(palette) >= amount:
        return [tuple(colour) for colour in palette]
    return distinct_colours(amount)


def draw_boxes(
    image: np.ndarray,
    boxes: np.ndarray,
    labels: Sequence[int],
    class_names: Sequence[str],
    scores: Sequence[float] | None = None,
    colours: Sequence[Colour] | None = None,
    scale: float = 1.0,
    text_height: int = 9,
) -> np.ndarray:
    """A copy of the image, resized by ``scale``, with boxes and class names.

    Lines and text are drawn after resizing, so that they stay thin round tiny objects. A label goes
    beside its box, where it covers no other box; where there is no such place it is left out.

    Args:
        image: (h, w, 3) uint8 RGB.
        boxes: (n, 4) ``x1, y1, x2, y2`` in pixels of ``image``.
        labels: n class numbers.
        class_names: Names by class number.
        scores: n scores to write behind the names.
        colours: RGB by class number. Default: one colour for all.
        scale: Factor from ``image`` to the picture.
        text_height: Height of a capital letter in the picture, in pixels; 0 leaves the names out.
    """
    picture = _resize(image, scale)
    boxes = (np.asarray(boxes, dtype=float).reshape(-1, 4) * scale).round().astype(int)
    thickness = max(1, text_height // 9)
    colour_of = [tuple(colours[n]) if colours is not None else DEFAULT_COLOUR for n in labels]
    for (x1, y1, x2, y2), colour in zip(boxes.tolist(), colour_of, strict=True):
        # One pixel outside the object, so that the line hides nothing of it; in sight at the edges.
        corner = max(x1 - thickness, 0), max(y1 - thickness, 0)
        opposite = min(x2, picture.shape[1] - 1), min(y2, picture.shape[0] - 1)
        cv2.rectangle(picture, corner, opposite, colour, thickness)
    if text_height:
        taken = boxes.astype(float)
        for number in reversed(range(len(boxes))):  # the surest, which come last, choose first
            text = class_names[labels[number]]
            text += '' if scores is None else f' {scores[number]:.2f}'
            place = _place_label(text, boxes[number], taken, picture.shape, text_height)
            if place is not None:
                _write(picture, text, place, colour_of[number], text_height)
                taken = np.vstack([taken, place])
    return picture


def _resize(image: np.ndarray, scale: float) -> np.ndarray:
    if scale == 1:
        return np.ascontiguousarray(image).copy()
    size = max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)


def _place_label(
    text: str, box: np.ndarray, taken: np.ndarray, shape: tuple, text_height: int
) -> tuple[int, int, int, int] | None:
    """Where a label fits beside its box, ``x1, y1, x2, y2``: inside the picture, over nothing taken."""
    (width, height), baseline = cv2.getTextSize(text, FONT, text_height / 22, 1)
    width, height, gap = width + 1, height + baseline // 2 + 1, 3
    x1, y1, x2, y2 = box.tolist()
    left = min(max(x1 - 1, 0), max(shape[1] - width, 0))
    right = max(min(x2 - width, shape[1] - width), 0)
    above, below = y1 - gap - height, y2 + gap
    candidates = [(left, above), (left, below), (right, above), (right, below)]
    candidates += [(x2 + gap, y1), (x1 - gap - width, y1), (x2 + gap, y2 - height)]
    for x, y in candidates:
        place = (x, y, x + width, y + height)
        inside = x >= 0 and y >= 0 and place[2] <= shape[1] and place[3] <= shape[0]
        if inside and not _overlaps(place, taken):
            return place
    return None


def _overlaps(place: tuple[int, int, int, int], taken: np.ndarray) -> bool:
    x1, y1, x2, y2 = place
    return bool(
        ((taken[:, 0] < x2) & (taken[:, 2] > x1) & (taken[:, 1] < y2) & (taken[:, 3] > y1)).any()
    )


def _write(picture: np.ndarray, text: str, place: tuple, colour: Colour, text_height: int) -> None:
    x1, y1, x2, y2 = place
    cv2.rectangle(picture, (x1, y1), (x2 - 1, y2 - 1), colour, -1)
    ink = (0, 0, 0) if sum(colour) > 330 else (255, 255, 255)
    (_, height), _ = cv2.getTextSize(text, FONT, text_height / 22, 1)
    cv2.putText(picture, text, (x1 + 1, y1 + height), FONT, text_height / 22, ink, 1, cv2.LINE_AA)
