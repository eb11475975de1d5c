"""A config for a bare annotation file: the standard Faster R-CNN on it."""

import json
from pathlib import Path

from mmengine.config import Config

from ..datasets import distinct_colours
from ..utils.errors import UserError
from ..utils.read_config import read_config

STANDARD = 'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py'
SCALE = (1333, 800)


def config_for_annotations(
    annotation_file: str | Path,
    image_folder: str | Path | None = None,
    scale: tuple[int, int] = SCALE,
) -> Config:
    """The standard Faster R-CNN R-50 FPN on all classes of a COCO annotation file.

    Args:
        annotation_file (str | Path): In COCO's format.
        image_folder (str | Path, optional): Its pictures. Default: they are not looked for.
        scale (tuple[int, int]): Longest long side and short side that pictures are resized to, in
            pixels, in either order. Default (1333, 800).

    Raises:
        UserError: The file is no JSON with categories.
        MissingFileError: There is no such file, when the data set is built.
    """
    cfg = read_config(STANDARD)
    classes = _classes(Path(annotation_file))
    cfg.train_dataloader.dataset = dict(
        type='CheckedCocoDataset',
        ann_file=str(Path(annotation_file).resolve()),
        data_prefix=dict(img='' if image_folder is None else str(Path(image_folder).resolve())),
        metainfo=dict(classes=classes, palette=distinct_colours(len(classes))),
        filter_cfg=dict(filter_empty_gt=True, min_size=32),
        check_images=image_folder is not None,
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='LoadAnnotations', with_bbox=True),
            dict(type='Resize', scale=(max(scale), min(scale)), keep_ratio=True),
            dict(type='PackDetInputs'),
        ],
    )
    cfg.model.roi_head.bbox_head.num_classes = len(classes)
    return cfg


def _classes(path: Path) -> tuple[str, ...]:
    if not path.is_file():
        return ()  # building the data set names it
    try:
        categories = json.loads(path.read_text(encoding='utf-8'))['categories']
        return tuple(category['name'] for category in categories)
    except (ValueError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise UserError(
            f'{path} cannot be read as a COCO annotation file: {type(error).__name__}: {error}'
        ) from error
