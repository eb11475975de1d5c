"""Pictures of a detector's detections, beside the ground truth where there is one."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from mmdet.apis import inference_detector
from mmdet.models.detectors import RPN
from mmengine.dataset import BaseDataset, pseudo_collate
from torch import nn

from ..utils.errors import MissingFileError, UserError
from ..utils.found_objects import FoundObjects, found_objects
from ..utils.outputs import refuse_existing
from .drawing import DEFAULT_COLOUR, draw_boxes, palette_of
from .image_files import read_rgb, write_png
from .layout import evenly_spread, grid, legend, titled

SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp')


class DrawnPicture(NamedTuple):
    """A picture that was written: its path, how many objects were found, and how many are drawn."""

    path: Path
    found: int
    drawn: int


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
) -> list[DrawnPicture]:
    """Writes one PNG an image: ground truth on the left, detections on the right.

    Args:
        model (nn.Module): Detector as :func:`load_detector` gives it.
        dataset (BaseDataset): Data set with annotations, or several joined (``ConcatDataset``). Its own
            pipeline reads the images that the detector sees.
        num (int): Number of images, spread evenly over the data set.
        out_dir (str | Path): Folder for the pictures, ``IMAGE_NAME.png``; made if missing.
        score_thr (float): Detections below this score are left out. Default 0.3.
        panel_width (int): Width of either half in pixels. Default 640.
        overwrite (bool): Replace pictures that are there. Default False.

    Returns:
        list[DrawnPicture]: The pictures, and how many objects they have.

    Raises:
        MissingFileError, UserError: An image is missing or can't be decoded.
        ExistingFileError: A picture is there already.
    """
    names, palette = dataset.metainfo['classes'], palette_of(dataset.metainfo)
    indices = evenly_spread(len(dataset), num)
    infos = [dataset.get_data_info(index) for index in indices]
    paths = _picture_paths([info['img_path'] for info in infos], out_dir, overwrite)
    pictures = []
    for index, info, out in zip(indices, infos, paths, strict=True):
        boxes = np.array([entry['bbox'] for entry in info['instances']]).reshape(-1, 4)
        labels = [entry['bbox_label'] for entry in info['instances']]
        image = read_rgb(info['img_path'])
        scale = panel_width / image.shape[1]
        truth = draw_boxes(image, boxes, labels, names, scale=scale, colours=palette)
        with torch.no_grad():
            (sample,) = model.test_step(pseudo_collate([dataset[index]]))
        found = found_objects(sample, _things(dataset.metainfo))
        shown = found.above(score_thr)
        without_classes = isinstance(model, RPN)  # what it proposes has no class, and no class's colour
        detected = _drawn(
            image,
            shown,
            ['object'] * len(names) if without_classes else names,
            scale,
            None if without_classes else palette,
        )
        halves = [
            titled(truth, 'ground truth'),
            titled(detected, f'detections, score from {score_thr:g}'),
        ]
        present = labels if without_classes else [*labels, *shown.labels.tolist()]
        write_png(_with_legend(grid(halves, columns=2), present, names, palette), out)
        pictures.append(DrawnPicture(out, len(found), len(shown)))
    return pictures


def draw_on_images(
    model: nn.Module,
    images: Iterable[str | Path],
    out_dir: str | Path,
    score_thr: float = 0.3,
    panel_width: int | None = None,
    overwrite: bool = False,
) -> list[DrawnPicture]:
    """Writes one PNG with the detections for each image file.

    Args:
        model (nn.Module): Detector as :func:`load_detector` gives it. Its test pipeline reads the files.
        images (Iterable[str | Path]): Image files and folders of them.
        out_dir (str | Path): Folder for the pictures, ``IMAGE_NAME.png``; made if missing.
        score_thr (float): Detections below this score are left out. Default 0.3.
        panel_width (int, optional): Width of the picture in pixels. Default: the image's.
        overwrite (bool): Replace pictures that are there. Default False.

    Returns:
        list[DrawnPicture]: The pictures, and how many objects they have.

    Raises:
        MissingFileError, UserError: An image is missing or can't be decoded.
        ExistingFileError: A picture is there already.
    """
    meta = model.dataset_meta
    names, palette = meta['classes'], palette_of(meta)
    if isinstance(model, RPN):
        names, palette = ['object'] * len(names), [DEFAULT_COLOUR] * len(names)
    sources = find_images(images)
    paths = _picture_paths(sources, out_dir, overwrite)
    pictures = []
    for source, out in zip(sources, paths, strict=True):
        image = read_rgb(source)
        scale = 1.0 if panel_width is None else panel_width / image.shape[1]
        found = found_objects(inference_detector(model, str(source)), _things(meta))
        shown = found.above(score_thr)
        picture = _drawn(image, shown, names, scale, palette)
        write_png(_with_legend(picture, shown.labels.tolist(), names, palette), out)
        pictures.append(DrawnPicture(out, len(found), len(shown)))
    return pictures


def _things(meta: dict) -> int | None:
    """How many of a panoptic data set's classes are countable, which come first."""
    return len(meta['thing_classes']) if 'thing_classes' in meta else None


def _drawn(
    image: np.ndarray,
    shown: FoundObjects,
    names: Sequence[str],
    scale: float,
    palette: Sequence | None,
) -> np.ndarray:
    """The image (h, w, 3) RGB, resized by ``scale``, with detections; the surest over the others."""
    if len(shown) and shown.labels.max() >= len(names):
        raise UserError(
            f'the detector finds class {shown.labels.max()}, counted from 0, but there are names for '
            f'{len(names)}: num_classes of its heads and the classes of its data set do not fit'
        )
    text_height = max(9, round(image.shape[1] * scale / 140))  # readable on a large image too
    return draw_boxes(
        image,
        shown.bboxes,
        shown.labels.tolist(),
        names,
        shown.scores.tolist(),
        palette,
        scale=scale,
        text_height=text_height,
    )


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
