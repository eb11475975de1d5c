"""Boxes on new pictures, folders, videos and huge scenes."""

from .jobs import (
    DEFAULT_FORMATS,
    Job,
    Summary,
    device_of,
    end_shares,
    predict_to_folder,
    start_shares,
)
from .models import find_model
from .predictor import Predictor
from .progress import Progress
from .reading import Item, Unreadable, find_sources, image_root
from .records import Record, make_record
from .results import Predicted, drawn
from .stream import Stream
from .tiling import MERGERS, Found, Tiles, merge_tiles
from .writers import FORMATS
from .writers import Settings as WriterSettings

__all__ = [
    'DEFAULT_FORMATS',
    'FORMATS',
    'MERGERS',
    'Found',
    'Item',
    'Job',
    'Predicted',
    'Predictor',
    'Progress',
    'Record',
    'Stream',
    'Summary',
    'Tiles',
    'Unreadable',
    'WriterSettings',
    'device_of',
    'drawn',
    'end_shares',
    'find_model',
    'find_sources',
    'image_root',
    'make_record',
    'merge_tiles',
    'predict_to_folder',
    'start_shares',
]
