"""Predictions in COCO's format: a file like a data set's, with scores."""

import json
from collections.abc import Iterable
from typing import Any

from ...utils.atomic_file import whole_or_not
from ..reading import Unreadable
from ..records import Record
from .base import FileWriter


class CocoWriter(FileWriter):
    """``predictions.json``: ``images`` with file names, ``annotations`` with scores, ``categories``.

    Ids count from 1: categories in the order of the classes, images in that of the pictures. Boxes are
    ``x, y, width, height``. Frames of a video have ``video`` and ``frame_id`` too. ``annotations`` alone
    is a list of results as ``pycocotools.COCO.loadRes`` takes it.

    Source: cocodataset.org, "Data format" and "Results format".
    """

    place = 'predictions.json'

    def write_all(self, done: Iterable[Record | Unreadable]) -> None:
        """Writes the file in two passes, for it may be larger than memory."""
        categories = [dict(id=n, name=name) for n, name in enumerate(self.settings.classes, start=1)]
        unreadable = [
            dict(file_name=one.item.name, reason=one.reason)
            for one in done
            if isinstance(one, Unreadable)
        ]
        info = dict(self.settings.info, unreadable=unreadable)
        with whole_or_not(self.path) as path, path.open('w', encoding='utf-8') as file:
            file.write(f'{{"info": {json.dumps(info)},\n"images": [')
            number = 0
            for one in done:
                if isinstance(one, Record):
                    number += 1
                    file.write(_entry(_image(one, number), number == 1))
            file.write('\n],\n"annotations": [')
            number = written = 0
            for one in done:
                if isinstance(one, Record):
                    number += 1
                    for annotation in _annotations(one, number):
                        written += 1
                        file.write(_entry(dict(annotation, id=written), written == 1))
            file.write(f'\n],\n"categories": {json.dumps(categories)}}}\n')


def _entry(content: dict, first: bool) -> str:
    return ('\n' if first else ',\n') + json.dumps(content)


def _image(record: Record, number: int) -> dict[str, Any]:
    image: dict[str, Any] = dict(
        id=number, file_name=record.name, width=record.width, height=record.height
    )
    if record.frame is not None:
        image.update(video=record.path, frame_id=record.frame)
    return image


def _annotations(record: Record, number: int) -> Iterable[dict[str, Any]]:
    for place, (label, score, box) in enumerate(
        zip(record.labels, record.scores, record.bboxes, strict=True)
    ):
        x1, y1, x2, y2 = box
        width, height = round(x2 - x1, 3), round(y2 - y1, 3)
        annotation = dict(
            image_id=number,
            category_id=label + 1,
            bbox=[x1, y1, width, height],
            area=round(width * height, 3),
            iscrowd=0,
            score=score,
        )
        if record.masks:
            annotation['segmentation'] = record.masks[place]
        yield annotation
