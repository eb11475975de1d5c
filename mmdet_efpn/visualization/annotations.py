"""A picture of the annotations of a COCO data set."""

import json
from pathlib import Path

import numpy as np
from mmdet.registry import DATASETS
from mmengine.dataset import BaseDataset

from ..datasets import distinct_colours
from ..utils.errors import UserError
from ..utils.read_config import read_config
from .drawing import draw_boxes, palette_of
from .image_files import read_rgb
from .layout import evenly_spread, grid, magnified_crops


def annotation_grid(
    dataset: BaseDataset, num: int = 16, columns: int = 4, panel_width: int = 480
) -> np.ndarray:
    """Images of a data set with their boxes, and the smallest objects of each magnified below.

    Args:
        dataset: A detection data set of MMDetection.
        num: Number of images, spread evenly over the data set.
        columns: Images in a row.
        panel_width: Width of an image in the picture, in pixels.

    Returns:
        The picture, (h, w, 3) uint8 RGB.

    Raises:
        FileNotFoundError, ValueError: An image is missing or can't be decoded.
    """
    meta = dataset.metainfo
    panels = []
    for index in evenly_spread(len(dataset), num):
        info = dataset.get_data_info(index)
        image = read_rgb(info['img_path'])
        boxes = np.array([entry['bbox'] for entry in info['instances']], dtype=float).reshape(-1, 4)
        labels = [entry['bbox_label'] for entry in info['instances']]
        picture = draw_boxes(
            image,
            boxes,
            labels,
            meta['classes'],
            colours=palette_of(meta),
            scale=panel_width / image.shape[1],
        )
        crops = magnified_crops(image, boxes, labels, meta['classes'], 5, picture.shape[1] // 5)
        strip = np.full((len(crops), picture.shape[1], 3), 250, np.uint8)
        strip[:, : crops.shape[1]] = crops
        panels.append(np.vstack([picture, strip]))
    return grid(panels, columns)


def dataset_from_config(config: str | Path, split: str = 'train') -> BaseDataset:
    """The data set of a config's ``{split}_dataloader``, without wrappers and pipeline.

    Raises:
        ValueError: The config has no such data loader.
    """
    loader = read_config(config).get(f'{split}_dataloader')
    if not loader:
        raise UserError(f'{config} has no {split}_dataloader')
    settings = loader['dataset']
    while 'dataset' in settings or 'datasets' in settings:
        settings = settings['dataset'] if 'dataset' in settings else settings['datasets'][0]
    return DATASETS.build({**settings, 'pipeline': []})


def dataset_from_annotations(annotation_file: str | Path, image_folder: str | Path) -> BaseDataset:
    """A data set of all classes of a COCO annotation file.

    Raises:
        FileNotFoundError, ValueError: As ``CheckedCocoDataset`` raises them.
    """
    try:
        content = json.loads(Path(annotation_file).read_text(encoding='utf-8'))
        classes = tuple(category['name'] for category in content['categories'])
    except (OSError, ValueError, KeyError, TypeError):
        classes = ()  # The data set finds the same fault and words it.
    return DATASETS.build(
        dict(
            type='CheckedCocoDataset',
            ann_file=str(annotation_file),
            data_prefix=dict(img=str(image_folder)),
            metainfo=dict(classes=classes, palette=distinct_colours(len(classes))),
        )
    )
