"""TT100K: small traffic signs in 2048x2048 street scenes."""

import colorsys

from mmdet.registry import DATASETS

from .checked_coco import CheckedCocoDataset
from .class_names import TT100K_CLASSES


@DATASETS.register_module()
class TT100KDataset(CheckedCocoDataset):
    """TT100K in COCO format, as ``tools/dataset_converters/tt100k.py`` writes it: the 45 classes of at least 100 signs.

    Takes the arguments of :class:`CheckedCocoDataset`.

    Source: Zhu et al., "Traffic-Sign Detection and Classification in the Wild", CVPR 2016.
    """

    # Hues an irrational step apart, so that neighbours in the list differ.
    METAINFO = dict(
        classes=TT100K_CLASSES,
        palette=[
            tuple(round(255 * part) for part in colorsys.hsv_to_rgb(number * 0.618 % 1, 0.75, 0.95))
            for number in range(len(TT100K_CLASSES))
        ],
    )
