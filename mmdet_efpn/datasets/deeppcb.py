"""DeepPCB: small defects on printed circuit boards."""

from mmdet.registry import DATASETS

from .checked_coco import CheckedCocoDataset
from .class_names import DEEPPCB_CLASSES


@DATASETS.register_module()
class DeepPCBDataset(CheckedCocoDataset):
    """DeepPCB in COCO format: 640x640 images of boards, 6 kinds of defects.

    ``mmdet-efpn convert deeppcb SOURCE OUT`` makes the annotation files.

    Takes the arguments of :class:`CheckedCocoDataset`.

    Source: Tang et al., "Online PCB Defect Detector On A New PCB Defect Dataset", 2019.
    """

    METAINFO = dict(
        classes=DEEPPCB_CLASSES,
        palette=[
            (230, 60, 60),
            (60, 130, 240),
            (250, 180, 40),
            (60, 190, 90),
            (190, 90, 220),
            (40, 200, 210),
        ],
    )
