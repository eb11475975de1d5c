"""TT100K: small traffic signs in 2048x2048 street scenes."""

from mmdet.registry import DATASETS

from .checked_coco import CheckedCocoDataset
from .class_names import TT100K_CLASSES, TT100K_RELEASED_CLASSES
from .palette import distinct_colours


@DATASETS.register_module()
class TT100KDataset(CheckedCocoDataset):
    """TT100K in COCO format: its 45 classes of at least 100 signs.

    ``mmdet-efpn convert tt100k SOURCE OUT`` makes the annotation files.

    Takes the arguments of :class:`CheckedCocoDataset`.

    Source: Zhu et al., "Traffic-Sign Detection and Classification in the Wild", CVPR 2016.
    """

    METAINFO = dict(classes=TT100K_CLASSES, palette=distinct_colours(len(TT100K_CLASSES)))


@DATASETS.register_module()
class TT100KReleasedDataset(CheckedCocoDataset):
    """TT100K in COCO format with the 175 classes of the EFPN authors' released model, in its order.

    The annotation file must have these 175 categories in this order, also those of which it has no box.

    Takes the arguments of :class:`CheckedCocoDataset`.

    Source: the authors' code for arXiv:2003.07021.
    """

    METAINFO = dict(
        classes=TT100K_RELEASED_CLASSES, palette=distinct_colours(len(TT100K_RELEASED_CLASSES))
    )
