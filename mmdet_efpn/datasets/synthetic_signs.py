"""The built-in data set: synthetic road scenes with small signs."""

from mmdet.registry import DATASETS

from .checked_coco import CheckedCocoDataset
from .class_names import SYNTHETIC_SIGNS_CLASSES


@DATASETS.register_module()
class SyntheticSignsDataset(CheckedCocoDataset):
    """Synthetic road scenes with six kinds of signs of 6 to 48 px, in COCO format.

    ``mmdet-efpn convert synthetic-signs OUT`` makes them.

    Takes the arguments of :class:`CheckedCocoDataset`.
    """

    METAINFO = dict(
        classes=SYNTHETIC_SIGNS_CLASSES,
        palette=[
            (240, 70, 70),
            (255, 150, 40),
            (230, 80, 220),
            (60, 140, 250),
            (40, 210, 220),
            (240, 220, 50),
        ],
    )
