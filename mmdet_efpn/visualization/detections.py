"""Pictures of a detector's detections, beside the ground truth where there is one."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
from mmdet.apis import inference_detector
from mmengine.dataset import BaseDataset
from torch import nn

from .drawing import draw_boxes, evenly_spread, grid, read_rgb


def draw_on_dataset(
    model: nn.Module,
    dataset: BaseDataset,
    num: int,
    out_dir: str | Path,
    score_thr: float = 0.3,
    panel_width: int = 640,
) -> list[Path]:
    """Writes one PNG an image: ground truth on the left, detections on the right.

    Args:
        model (nn.Module): Detector as ``mmdet.apis.init_detector`` gives it.
        dataset (BaseDataset): Data set with annotations.
        num (int): Number of images, spread evenly over the data set.
        out_dir (str | Path): Folder for the pictures, ``IMAGE_NAME.png``; made if missing.
        score_thr (float): Detections below this score are left out. Default 0.3.
        panel_width (int): Width of either half in pixels. Default 640.

    Returns:
        list[Path]: The pictures.

    Raises:
        FileNotFoundError, ValueError: An image is missing or can't be decoded.
    """
    pictures, names = [], dataset.metainfo['classes']
    palette = dataset.metainfo.get('palette')
    for index in evenly_spread(len(dataset), num):
        info = dataset.get_data_info(index)
        boxes = np.array([entry['bbox'] for entry in info['instances']]).reshape(-1, 4)
        labels = [entry['bbox_label'] for entry in info['instances']]
        image = read_rgb(info['img_path'])
        scale = panel_width / image.shape[1]
        truth = draw_boxes(image, boxes, labels, names, scale=scale, colours=palette)
        halves = [truth, _detections(model, image, names, score_thr, scale, palette)]
        pictures.append(_write_png(out_dir, info['img_path'], grid(halves, columns=2), pictures))
    return pictures


def draw_on_images(
    model: nn.Module,
    images: Iterable[str | Path],
    out_dir: str | Path,
    score_thr: float = 0.3,
    panel_width: int | None = None,
) -> list[Path]:
    """Writes one PNG with the detections for each image file.

    Args:
        model (nn.Module): Detector as ``mmdet.apis.init_detector`` gives it.
        images (Iterable[str | Path]): Image files.
        out_dir (str | Path): Folder for the pictures, ``IMAGE_NAME.png``; made if missing.
        score_thr (float): Detections below this score are left out. Default 0.3.
        panel_width (int, optional): Width of the picture in pixels. Default: the image's.

    Returns:
        list[Path]: The pictures.

    Raises:
        FileNotFoundError, ValueError: An image is missing or can't be decoded.
    """
    pictures, meta = [], model.dataset_meta
    for path in images:
        image = read_rgb(path)
        scale = 1.0 if panel_width is None else panel_width / image.shape[1]
        picture = _detections(model, image, meta['classes'], score_thr, scale, meta.get('palette'))
        pictures.append(_write_png(out_dir, path, picture, pictures))
    return pictures


def _detections(
    model: nn.Module, image: np.ndarray, names: Sequence[str], score_thr: float, scale: float, palette
) -> np.ndarray:
    """The image (h, w, 3) RGB, resized by ``scale``, with the model's detections drawn."""
    found = inference_detector(model, cv2.cvtColor(image, cv2.COLOR_RGB2BGR)).pred_instances
    found = found[found.scores >= score_thr].cpu().numpy()
    found = found[found.scores.argsort()]  # the surest are drawn last, over the others
    text_height = max(9, round(image.shape[1] * scale / 140))  # readable on a large image too
    return draw_boxes(
        image,
        found.bboxes,
        found.labels,
        names,
        found.scores,
        palette,
        scale=scale,
        text_height=text_height,
    )


def _write_png(
    out_dir: str | Path, source: str | Path, picture: np.ndarray, written: Sequence[Path]
) -> Path:
    """Writes a picture named like its source; a name already in ``written`` gets a number."""
    stem = Path(source).stem
    out = Path(out_dir) / f'{stem}.png'
    if out in written:
        out = out.with_name(f'{stem}-{len(written)}.png')
    out.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(out), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)):
        raise OSError(f'{out} could not be written')
    return out
