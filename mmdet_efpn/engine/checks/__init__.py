"""Checks of a run before its first iteration: heads beside data, data as the detector sees it."""

from .data_sets import check_class_order, read_checked
from .head_classes import check_head_classes
from .ignored_regions import warn_of_ignored_regions
from .matched_priors import best_iou, dense_head, matched_boxes, unmatched_shares, unwrapped
from .shared_pictures import shared_pictures
from .start_table import start_table

__all__ = [
    'best_iou',
    'check_class_order',
    'check_head_classes',
    'dense_head',
    'matched_boxes',
    'read_checked',
    'shared_pictures',
    'start_table',
    'unmatched_shares',
    'unwrapped',
    'warn_of_ignored_regions',
]
