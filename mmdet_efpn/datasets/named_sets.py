"""Public data sets of small objects in COCO format: their classes in the order of the JSON.

``mmdet-efpn convert`` makes the annotation files. Each class takes the arguments of
:class:`CheckedCocoDataset`.
"""

from mmdet.registry import DATASETS

from .checked_coco import CheckedCocoDataset
from .class_names import (
    AI_TOD_CLASSES,
    HIT_UAV_CLASSES,
    SODA_D_CLASSES,
    TINY_PERSON_CLASSES,
    VISDRONE_CLASSES,
)
from .palette import distinct_colours


@DATASETS.register_module()
class VisDroneDataset(CheckedCocoDataset):
    """VisDrone-DET: people and vehicles from drones.

    Source: Zhu et al., "Vision Meets Drones", 2018.
    """

    METAINFO = dict(classes=VISDRONE_CLASSES, palette=distinct_colours(len(VISDRONE_CLASSES)))


@DATASETS.register_module()
class AITODDataset(CheckedCocoDataset):
    """AI-TOD, versions 1 and 2: tiny objects from the air.

    Source: Wang et al., "Tiny Object Detection in Aerial Images", ICPR 2020.
    """

    METAINFO = dict(classes=AI_TOD_CLASSES, palette=distinct_colours(len(AI_TOD_CLASSES)))


@DATASETS.register_module()
class SODADDataset(CheckedCocoDataset):
    """SODA-D: small objects in driving scenes.

    Source: Cheng et al., "Towards Large-Scale Small Object Detection", TPAMI 2023.
    """

    METAINFO = dict(classes=SODA_D_CLASSES, palette=distinct_colours(len(SODA_D_CLASSES)))


@DATASETS.register_module()
class TinyPersonDataset(CheckedCocoDataset):
    """TinyPerson: persons far away at the sea.

    Source: Yu et al., "Scale Match for Tiny Person Detection", WACV 2020.
    """

    METAINFO = dict(classes=TINY_PERSON_CLASSES, palette=distinct_colours(len(TINY_PERSON_CLASSES)))


@DATASETS.register_module()
class HITUAVDataset(CheckedCocoDataset):
    """HIT-UAV: persons and vehicles in infrared drone frames.

    Source: Suo et al., Scientific Data 10, 227, 2023.
    """

    METAINFO = dict(
        classes=HIT_UAV_CLASSES,
        palette=[(255, 120, 60), (70, 170, 255), (120, 220, 90), (230, 110, 230)],
    )
