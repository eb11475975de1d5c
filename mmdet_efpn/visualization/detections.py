"""Pictures of a detector's detections, beside the ground truth where there is one."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
from mmdet.apis import inference_detector, init_detector
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.device import get_device
from torch import nn

from ..checkpoints import require_fitting_weights, safe_loading
from ..utils.errors import MissingFileError
from ..utils.outputs import refuse_existing
from .drawing import draw_boxes, palette_of
from .image_files import read_rgb, write_png
from .layout import evenly_spread, grid, legend, titled

SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp')


def load_detector(cfg: Config, checkpoint: str | Path, device: str | None = None) -> nn.Module:
    """A detector with the weights of a checkpoint, ready for :func:`draw_on_images`.

    Args:
        cfg (Config): The detector's config.
        checkpoint (str | Path): Its weights.
        device (str, optional): Where it runs. Default: a GPU where there is one.

    Raises:
        UserError: The checkpoint lacks weights of the config's model, or has some of other shapes.
    """
    with safe_loading():
        model = init_detector(cfg, str(checkpoint), device=device or get_device())
        require_fitting_weights(model, str(checkpoint))
    return model


def find_images(names: Iterable[str | Path]) -> list[Path]:
    """Image files by their names, and those of folders, in the order of their names.

    Raises:
        MissingFileError: There is no such file or folder, or a folder has no image.
    """
    found = []
    for name in map(Path, names):
        if name.is_dir():
            inside = sorted(path for path in name.iterdir() if path.suffix.lower() in SUFFIXES)
            if not inside:
                raise MissingFileError(f'{name} has no image ({", ".join(SUFFIXES)})')
            found += inside
        elif name.is_file():
            found.append(name)
        else:
            raise MissingFileError(f'no such image or folder: {name}')
    return found


def draw_on_dataset(
    model: nn.Module,
    dataset: BaseDataset,
    num: int,
    out_dir: str | Path,
    score_thr: float = 0.3,
    panel_width: int = 640,
    overwrite: bool = False,
) -> list[Path]:
    """Writes one PNG an image: ground truth on the left, detections on the right.

    Args:
        model (nn.Module): Detector as :func:`load_detector` gives it.
        dataset (BaseDataset): Data set with annotations.
        num (int): Number of images, spread evenly over the data set.
        out_dir (str | Path): Folder for the pictures, ``IMAGE_NAME.png``; made if missing.
        score_thr (float): Detections below this score are left out. Default 0.3.
        panel_width (int): Width of either half in pixels. Default 640.
        overwrite (bool): Replace pictures that are there. Default False.

    Returns:
        list[Path]: The pictures.

    Raises:
        MissingFileError, UserError: An image is missing or can't be decoded.
        ExistingFileError: A picture is there already.
    """
    names, palette = dataset.metainfo['classes'], palette_of(dataset.metainfo)
    infos = [dataset.get_data_info(index) for index in evenly_spread(len(dataset), num)]
    pictures = _picture_paths([info['img_path'] for info in infos], out_dir, overwrite)
    for info, out in zip(infos, pictures, strict=True):
        boxes = np.array([entry['bbox'] for entry in info['instances']]).reshape(-1, 4)
        labels = [entry['bbox_label'] for entry in info['instances']]
        image = read_rgb(info['img_path'])
        scale = panel_width / image.shape[1]
        truth = draw_boxes(image, boxes, labels, names, scale=scale, colours=palette)
        detected, found = _detections(model, image, names, score_thr, scale, palette)
        halves = [
            titled(truth, 'ground truth'),
            titled(detected, f'detections, score from {score_thr:g}'),
        ]
        write_png(_with_legend(grid(halves, columns=2), [*labels, *found], names, palette), out)
    return pictures


def draw_on_images(
    model: nn.Module,
    images: Iterable[str | Path],
    out_dir: str | Path,
    score_thr: float = 0.3,
    panel_width: int | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """Writes one PNG with the detections for each image file.

    Args:
        model (nn.Module): Detector as :func:`load_detector` gives it.
        images (Iterable[str | Path]): Image files and folders of them.
        out_dir (str | Path): Folder for the pictures, ``IMAGE_NAME.png``; made if missing.
        score_thr (float): Detections below this score are left out. Default 0.3.
        panel_width (int, optional): Width of the picture in pixels. Default: the image's.
        overwrite (bool): Replace pictures that are there. Default False.

    Returns:
        list[Path]: The pictures.

    Raises:
        MissingFileError, UserError: An image is missing or can't be decoded.
        ExistingFileError: A picture is there already.
    """
    meta = model.dataset_meta
    names, palette = meta['classes'], palette_of(meta)
    paths = find_images(images)
    pictures = _picture_paths(paths, out_dir, overwrite)
    for path, out in zip(paths, pictures, strict=True):
        image = read_rgb(path)
        scale = 1.0 if panel_width is None else panel_width / image.shape[1]
        picture, found = _detections(model, image, names, score_thr, scale, palette)
        write_png(_with_legend(picture, found, names, palette), out)
    return pictures


def _detections(
    model: nn.Module,
    image: np.ndarray,
    names: Sequence[str],
    score_thr: float,
    scale: float,
    palette: Sequence,
) -> tuple[np.ndarray, list[int]]:
    """The image (h, w, 3) RGB, resized by ``scale``, with detections drawn, and their class numbers."""
    found = inference_detector(model, cv2.cvtColor(image, cv2.COLOR_RGB2BGR)).pred_instances
    found = found[found.scores >= score_thr].cpu().numpy()
    found = found[found.scores.argsort()]  # the surest are drawn last, over the others
    text_height = max(9, round(image.shape[1] * scale / 140))  # readable on a large image too
    picture = draw_boxes(
        image,
        found.bboxes,
        found.labels,
        names,
        found.scores,
        palette,
        scale=scale,
        text_height=text_height,
    )
    return picture, found.labels.tolist()


def _with_legend(
    picture: np.ndarray, labels: Iterable[int], names: Sequence[str], palette
) -> np.ndarray:
    present = sorted(set(labels))
    if not present:
        return picture
    strip = legend([names[n] for n in present], [palette[n] for n in present], picture.shape[1])
    return np.vstack([picture, strip])


def _picture_paths(sources: Sequence[str | Path], out_dir: str | Path, overwrite: bool) -> list[Path]:
    """A picture's path for each source, named like it; a name that is taken gets a number."""
    paths: list[Path] = []
    for source in sources:
        path = Path(out_dir) / f'{Path(source).stem}.png'
        if path in paths:
            path = path.with_name(f'{path.stem}-{len(paths)}.png')
        refuse_existing(path, overwrite)
        paths.append(path)
    return paths
