"""What a prediction is, picture by picture, and how ``DetInferencer`` gives it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import mmengine
import numpy as np
from mmdet.structures import DetDataSample

from ..utils.found_objects import found_objects
from ..visualization import draw_boxes, palette_of
from .reading import Item


class Predicted(NamedTuple):
    """A picture with what was found in it.

    Attributes:
        item: Which picture.
        sample: MMDetection's prediction.
        image: The picture as it was read, (h, w, 3) uint8 BGR, where it was asked for; of a huge one
            that was cut into tiles a smaller copy.
    """

    item: Item
    sample: DetDataSample
    image: np.ndarray | None = None


def drawn(done: Predicted, meta: Mapping[str, Any], score: float, draw: bool = True) -> np.ndarray:
    """The picture in RGB with its detections, the surest over the others.

    Args:
        done: With its picture.
        meta: The detector's ``dataset_meta``.
        score: The lowest score to draw.
        draw: Draw boxes at all.
    """
    assert done.image is not None, 'ask for pictures: keep_image'
    image = done.image[..., ::-1]
    if not draw:
        return np.ascontiguousarray(image)
    shown = found_objects(done.sample).above(score)
    scale = image.shape[1] / done.sample.ori_shape[1]
    return draw_boxes(
        image,
        shown.bboxes * scale,
        shown.labels.tolist(),
        meta['classes'],
        shown.scores.tolist(),
        palette_of(dict(meta)),
    )


def save_json(result: dict, stem: str | int, out_dir: str) -> None:
    """Writes a prediction where ``DetInferencer`` does: ``OUT_DIR/preds/STEM.json``."""
    path = Path(out_dir) / 'preds' / f'{stem}.json'
    path.parent.mkdir(parents=True, exist_ok=True)
    mmengine.dump(result, str(path))
