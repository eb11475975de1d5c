"""What to predict on: found, read in the background, put into batches."""

from .batching import in_batches, padded_size
from .loading import Loaded, TestPipeline, load_all, per_thread
from .sources import (
    Item,
    Unreadable,
    Wanted,
    each_picture,
    find_sources,
    image_root,
    is_video,
)
from .videos import number_of_frames

__all__ = [
    'Item',
    'Loaded',
    'TestPipeline',
    'Unreadable',
    'Wanted',
    'each_picture',
    'find_sources',
    'image_root',
    'in_batches',
    'is_video',
    'load_all',
    'number_of_frames',
    'padded_size',
    'per_thread',
]
