"""TT100K: small traffic signs in 2048x2048 street scenes."""

from mmdet.registry import DATASETS

from .checked_coco import CheckedCocoDataset
from .class_names import TT100K_CLASSES
from .palette import distinct_colours


@DATASETS.register_module()
class TT100KDataset(CheckedCocoDataset):
    """TT100K in COCO format: its 45 classes of at least 100 signs.

    ``mmdet-efpn convert tt100k SOURCE OUT`` makes the annotation files.

    Takes the arguments of :class:`CheckedCocoDataset`.

    Source: Zhu et al., "Traffic-Sign Detection and Classification in the Wild", CVPR 2016.
    """

    METAINFO = dict(classes=TT100K_CLASSES, palette=distinct_colours(len(TT100K_CLASSES)))
