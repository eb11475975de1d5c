"""Small frames with known boxes, put together to one huge scene."""

import json
from pathlib import Path

import cv2
import numpy as np

from mmdet_efpn.utils.errors import UserError
from mmdet_efpn.visualization import read_rgb


def make_mosaic(annotation_file: str, image_dir: str, side: int, folder: Path) -> tuple[Path, dict]:
    """Lays frames of a COCO data set row by row on a square of grey, each as it is.

    Args:
        annotation_file: Their annotations.
        image_dir: Their folder.
        side: Of the square, in pixels.
        folder: Where the scene is written.

    Returns:
        tuple: The scene's PNG, and its annotations as a COCO file has them.

    Raises:
        UserError: No frame fits.
    """
    content = json.loads(Path(annotation_file).read_text())
    boxes: dict = {}
    for entry in content['annotations']:
        boxes.setdefault(entry['image_id'], []).append(entry)
    scene = np.full((side, side, 3), 128, np.uint8)
    annotations: list[dict] = []
    x = y = height = 0
    for image in content['images']:
        if x + image['width'] > side:
            x, y, height = 0, y + height, 0
        if image['width'] > side or y + image['height'] > side:
            break
        frame = read_rgb(Path(image_dir) / image['file_name'])
        scene[y : y + frame.shape[0], x : x + frame.shape[1]] = frame
        for entry in boxes.get(image['id'], []):
            left, top, width, tall = entry['bbox']
            moved = dict(
                entry, id=len(annotations) + 1, image_id=1, bbox=[left + x, top + y, width, tall]
            )
            annotations.append(moved)
        x, height = x + image['width'], max(height, image['height'])
    if not annotations:
        raise UserError(f'no frame with boxes fits into {side} pixels')
    path = folder / f'mosaic_{side}.png'
    cv2.imwrite(str(path), scene[..., ::-1])
    images = [dict(id=1, file_name=path.name, width=side, height=side)]
    return path, dict(images=images, annotations=annotations, categories=content['categories'])
