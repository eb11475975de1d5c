"""The kinds of errors of TIDE, for the boxes of one picture.

Bolya et al., "TIDE: A General Toolbox for Identifying Object Detection Errors", ECCV 2020, section 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pycocotools import mask as boxes_as_masks

MISSED, CLASS, PLACE, BOTH, DUPLICATE, BACKGROUND = (
    'missed',
    'wrong class',
    'poor location',
    'both',
    'duplicate',
    'background',
)
KINDS = (MISSED, CLASS, PLACE, BOTH, DUPLICATE, BACKGROUND)
RIGHT, IGNORED = 'right', 'ignored'

FOREGROUND_IOU = 0.5
BACKGROUND_IOU = 0.1


@dataclass(frozen=True)
class ImageErrors:
    """The objects and detections of a picture, and what is wrong with them.

    Attributes:
        image_id: The picture's id.
        objects: Annotations that count.
        regions: Annotations that don't.
        detections: Detections that were looked at, the surest first.
        found: Whether each object has a right detection, (objects,).
        missed: Whether each object has none, nor one that would be right with another class or place,
            (objects,).
        kinds: What each detection is: ``right``, ``ignored``, or one of ``KINDS``.
        concerned: The object that a ``wrong class`` or ``poor location`` is about, by detection; else
            ``None``.
    """

    image_id: Any
    objects: list[dict]
    regions: list[dict]
    detections: list[dict]
    found: np.ndarray
    missed: np.ndarray
    kinds: list[str]
    concerned: list[dict | None]

    @property
    def errors(self) -> list[tuple[str, float]]:
        """The kind of each error, and its size in square pixels.

        The size is the object's; of a detection that concerns none, its own.
        """
        lost = [
            (MISSED, float(entry['area']))
            for entry, missed in zip(self.objects, self.missed, strict=True)
            if missed
        ]
        return lost + [
            (kind, float(_area(entry) if about is None else about['area']))
            for kind, entry, about in zip(self.kinds, self.detections, self.concerned, strict=True)
            if kind in KINDS
        ]


def errors_of_image(
    image_id: Any, annotations: Sequence[dict], detections: Sequence[dict], most: int
) -> ImageErrors:
    """The errors of one picture.

    Detections are matched to objects of their class at IoU 0.5, the surest first. What is left is, in
    this order: ``poor location``, if the best IoU with an object of the class is 0.1 to 0.5; ``wrong
    class``, if one with another class's is 0.5 or more; ``duplicate``, if one with a found object is;
    ``background``, if no IoU is above 0.1; else ``both`` class and place are wrong. An object that was
    not found, and that no wrong class or poor location is about, is ``missed``. Unlike in TIDE,
    detections in ignored regions are no errors.

    Args:
        image_id: The picture's id.
        annotations (Sequence[dict]): Its annotations: ``bbox`` (x, y, width, height in pixels),
            ``category_id``, ``area``, ``iscrowd`` for what is ignored.
        detections (Sequence[dict]): Its detections: ``bbox``, ``category_id``, ``score``.
        most (int): How many of them count, the surest first.
    """
    objects = [entry for entry in annotations if not entry['iscrowd']]
    regions = [entry for entry in annotations if entry['iscrowd']]
    detections = sorted(detections, key=lambda entry: -entry['score'])[:most]
    ious = overlaps(detections, objects)
    same = _classes(detections)[:, None] == _classes(objects)[None]
    match = _matches(ious * same)
    found = np.isin(np.arange(len(objects)), match)
    ignored = ((overlaps(detections, regions, over_detection=True) > FOREGROUND_IOU)
               & (_classes(detections)[:, None] == _classes(regions)[None])).any(axis=1)  # fmt: skip
    kinds, concerned = [], []
    near = np.zeros(len(objects), dtype=bool)
    for row in range(len(detections)):
        kind, about = RIGHT, None
        if match[row] < 0:
            kind, about = (IGNORED, None) if ignored[row] else _kind(ious[row], same[row], found)
        if about is not None:
            near[about] = True
        kinds.append(kind)
        concerned.append(None if about is None else objects[about])
    return ImageErrors(image_id, objects, regions, detections, found, ~found & ~near, kinds, concerned)


def _kind(ious: np.ndarray, same: np.ndarray, found: np.ndarray) -> tuple[str, int | None]:
    """The kind of error of a detection, and the object it is about.

    Args:
        ious: IoU with each object.
        same: Whether its class is that object's.
        found: Whether the object is found.
    """
    if not len(ious):
        return BACKGROUND, None
    own, other = ious * same, ious * ~same
    if BACKGROUND_IOU <= own.max() <= FOREGROUND_IOU:
        return PLACE, int(own.argmax())
    if other.max() >= FOREGROUND_IOU:
        return CLASS, int(other.argmax())
    if (own * found).max() >= FOREGROUND_IOU:
        return DUPLICATE, None
    return (BACKGROUND if ious.max() <= BACKGROUND_IOU else BOTH), None


def _matches(ious: np.ndarray) -> np.ndarray:
    """The object of each detection (detections,), -1 for none; ``ious`` are 0 for other classes."""
    left, match = ious.copy(), np.full(len(ious), -1)
    for row in range(len(ious) if ious.size else 0):
        best = int(left[row].argmax())
        if left[row, best] >= FOREGROUND_IOU:
            match[row] = best
            left[:, best] = 0
    return match


def overlaps(
    detections: Sequence[dict], annotations: Sequence[dict], over_detection: bool = False
) -> np.ndarray:
    """IoU (detections, annotations), or the share of the detection that lies inside."""
    if not detections or not annotations:
        return np.zeros((len(detections), len(annotations)))
    boxes = [[entry['bbox'] for entry in part] for part in (detections, annotations)]
    return boxes_as_masks.iou(*boxes, [int(over_detection)] * len(annotations))


def _classes(entries: Sequence[dict]) -> np.ndarray:
    return np.array([entry['category_id'] for entry in entries], dtype=np.int64)


def _area(entry: dict) -> float:
    return entry['bbox'][2] * entry['bbox'][3]
