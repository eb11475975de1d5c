"""Draws boxes with class names, and puts pictures side by side. Images are (h, w, 3) uint8 RGB."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

Colour = tuple[int, int, int]
FONT = cv2.FONT_HERSHEY_SIMPLEX
BACKGROUND = 250


def read_rgb(path: str | Path) -> np.ndarray:
    """An image file as (h, w, 3) uint8 RGB.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It can't be decoded as an image.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'image {path} is missing')
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f'{path} cannot be decoded as an image')
    return image[..., ::-1]


def evenly_spread(length: int, num: int) -> list[int]:
    """At most ``num`` numbers from 0 to ``length - 1``, evenly spread, ends included."""
    return np.unique(np.linspace(0, length - 1, min(num, length)).round().astype(int)).tolist()


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

    Lines and text are drawn after resizing, so that they stay thin round tiny objects.

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
    boxes = np.asarray(boxes, dtype=float).reshape(-1, 4)
    for number, (box, label) in enumerate(zip(boxes, labels, strict=True)):
        colour = tuple(colours[label]) if colours is not None else (40, 220, 60)
        x1, y1, x2, y2 = (round(value * scale) for value in box)
        # One pixel outside the object, so that the line hides nothing of it.
        thickness = max(1, text_height // 9)
        cv2.rectangle(picture, (x1 - thickness, y1 - thickness), (x2, y2), colour, thickness)
        if text_height:
            score = '' if scores is None else f' {scores[number]:.2f}'
            _write(picture, class_names[label] + score, (x1, y1, y2), colour, text_height)
    return picture


def magnified_crops(
    image: np.ndarray,
    boxes: np.ndarray,
    labels: Sequence[int],
    class_names: Sequence[str],
    amount: int = 5,
    side: int = 96,
) -> np.ndarray:
    """A strip of the smallest objects, magnified, (side + caption, amount * side, 3) uint8.

    Each crop is a square of twice the object's longer side round its middle; the caption gives
    class and size in pixels of ``image``. Missing objects leave the strip empty.
    """
    boxes = np.asarray(boxes, dtype=float).reshape(-1, 4)
    sizes = boxes[:, 2:] - boxes[:, :2]
    smallest = np.argsort(sizes.prod(axis=1), kind='stable')[:amount]
    caption = 16
    strip = np.full((side + caption, amount * side, 3), BACKGROUND, np.uint8)
    for column, index in enumerate(smallest):
        half = max(float(sizes[index].max()), 4.0)
        centre_x, centre_y = (boxes[index, :2] + boxes[index, 2:]) / 2
        matrix = np.array([[1, 0, half - centre_x], [0, 1, half - centre_y]]) * (side - 2) / (2 * half)
        flags = cv2.INTER_NEAREST if half < side / 4 else cv2.INTER_LINEAR
        crop = cv2.warpAffine(image, matrix, (side - 2, side - 2), flags=flags)
        left = column * side
        strip[1 : side - 1, left + 1 : left + side - 1] = crop
        width, height = sizes[index]
        text = f'{class_names[labels[index]]} {width:.0f}x{height:.0f}'
        scale = min(0.38, 0.38 * (side - 4) / cv2.getTextSize(text, FONT, 0.38, 1)[0][0])
        cv2.putText(strip, text, (left + 2, side + 11), FONT, scale, (20, 20, 20), 1, cv2.LINE_AA)
    return strip


def grid(images: Sequence[np.ndarray], columns: int, gap: int = 6) -> np.ndarray:
    """Pictures in rows of ``columns``, each in a cell as large as the largest picture.

    Raises:
        ValueError: There is no picture, or ``columns`` is under 1.
    """
    if not images or columns < 1:
        raise ValueError(f'expected at least 1 picture and 1 column, got {len(images)}, {columns}')
    columns = min(columns, len(images))
    height = max(len(image) for image in images) + gap
    width = max(image.shape[1] for image in images) + gap
    rows = -(-len(images) // columns)
    sheet = np.full((rows * height + gap, columns * width + gap, 3), BACKGROUND, np.uint8)
    for number, image in enumerate(images):
        row, column = divmod(number, columns)
        y, x = gap + row * height, gap + column * width
        sheet[y : y + len(image), x : x + image.shape[1]] = image
    return sheet


def _resize(image: np.ndarray, scale: float) -> np.ndarray:
    if scale == 1:
        return np.ascontiguousarray(image).copy()
    size = max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)


def _write(
    picture: np.ndarray, text: str, place: tuple[int, int, int], colour: Colour, text_height: int
) -> None:
    """Write above the box, or below it where there is no room above."""
    x1, y1, y2 = place
    scale = text_height / 22
    (width, height), baseline = cv2.getTextSize(text, FONT, scale, 1)
    x = min(max(x1, 0), max(picture.shape[1] - width, 0))
    y = y1 - 4 if y1 - 4 - height >= 0 else min(y2 + height + 4, len(picture) - 2)
    cv2.rectangle(picture, (x - 1, y - height - 1), (x + width, y + baseline // 2), colour, -1)
    ink = (0, 0, 0) if sum(colour) > 330 else (255, 255, 255)
    cv2.putText(picture, text, (x, y), FONT, scale, ink, 1, cv2.LINE_AA)
