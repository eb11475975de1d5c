"""Puts pictures side by side, with titles and a legend. Pictures are (h, w, 3) uint8 RGB."""

from collections.abc import Sequence

import cv2
import numpy as np

from .drawing import FONT, Colour

BACKGROUND = 250
INK = (20, 20, 20)
_TEXT_SCALE = 0.45
_LINE = 20  # height of a line of text in pixels


def evenly_spread(length: int, num: int) -> list[int]:
    """At most ``num`` numbers from 0 to ``length - 1``, evenly spread, ends included."""
    return np.unique(np.linspace(0, length - 1, min(num, length)).round().astype(int)).tolist()


def titled(picture: np.ndarray, title: str) -> np.ndarray:
    """The picture under a line of text."""
    strip = np.full((_LINE, picture.shape[1], 3), BACKGROUND, np.uint8)
    cv2.putText(strip, title, (4, _LINE - 6), FONT, _TEXT_SCALE, INK, 1, cv2.LINE_AA)
    return np.vstack([strip, picture])


def legend(names: Sequence[str], colours: Sequence[Colour], width: int) -> np.ndarray:
    """Names beside squares of their colours, in as many lines as they need, (h, width, 3) uint8."""
    square, places, x, line = 10, [], 4, 0
    for name in names:
        needed = square + 6 + cv2.getTextSize(name, FONT, _TEXT_SCALE, 1)[0][0] + 14
        if x > 4 and x + needed > width:
            x, line = 4, line + 1
        places.append((x, line))
        x += needed
    strip = np.full(((line + 1) * _LINE, width, 3), BACKGROUND, np.uint8)
    for (x, line), name, colour in zip(places, names, colours, strict=True):
        y = line * _LINE
        cv2.rectangle(strip, (x, y + 5), (x + square, y + 5 + square), tuple(colour), -1)
        cv2.putText(strip, name, (x + square + 6, y + _LINE - 5), FONT, _TEXT_SCALE, INK, 1, cv2.LINE_AA)
    return strip


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
