"""Data sets; importing this package registers them with MMDetection."""

from .checked_coco import CheckedCocoDataset
from .deeppcb import DeepPCBDataset
from .detectron_resize import DetectronResize
from .named_sets import (
    AITODDataset,
    HITUAVDataset,
    SODADDataset,
    TinyPersonDataset,
    VisDroneDataset,
)
from .palette import distinct_colours
from .survey import Boxes, boxes_after_pipeline, boxes_by_class, leaves, pictures_of
from .synthetic_signs import SyntheticSignsDataset
from .torchvision_resize import TorchvisionResize
from .tt100k import TT100KDataset, TT100KReleasedDataset

__all__ = [
    'AITODDataset',
    'Boxes',
    'CheckedCocoDataset',
    'DeepPCBDataset',
    'DetectronResize',
    'HITUAVDataset',
    'SODADDataset',
    'SyntheticSignsDataset',
    'TT100KDataset',
    'TT100KReleasedDataset',
    'TinyPersonDataset',
    'TorchvisionResize',
    'VisDroneDataset',
    'boxes_after_pipeline',
    'boxes_by_class',
    'distinct_colours',
    'leaves',
    'pictures_of',
]
