"""Predictions as labels, for people to correct: LabelMe and YOLO."""

import json
from pathlib import Path

import cv2

from ...utils.atomic_file import whole_or_not, write_text_atomically
from ..records import Record
from .base import Image, Settings, Writer, relative


class LabelMeWriter(Writer):
    """``labelme/NAME.json``: rectangles; the score is in ``description``.

    ``imagePath`` leads from the JSON to the picture, so that LabelMe opens it where it is. Frames of
    videos are written beside as PNG.

    Source: the files that LabelMe 5 writes.
    """

    place = 'labelme'

    def needs_image(self, frames: bool) -> bool:
        """Frames become files."""
        return frames

    def write(self, record: Record, image: Image | None) -> None:
        """Writes one picture's file."""
        path = self.path / f'{record.stem}.json'
        picture = relative(record.path, path.parent)
        if record.frame is not None:
            frame = path.with_suffix('.png')
            _write_frame(image, frame)
            picture = frame.name
        shapes: list[dict] = [
            dict(
                label=self.settings.classes[label],
                points=[box[:2], box[2:]],
                group_id=None,
                description=f'{score:.3f}',
                shape_type='rectangle',
                flags={},
            )
            for label, score, box in zip(record.labels, record.scores, record.bboxes, strict=True)
        ]
        content: dict = dict(
            version='5.4.1',
            flags={},
            shapes=shapes,
            imagePath=picture,
            imageData=None,
            imageHeight=record.height,
            imageWidth=record.width,
        )
        write_text_atomically(path, json.dumps(content, indent=1))


class YoloWriter(Writer):
    """``yolo/labels/NAME.txt``: a line for each object, ``class x y width height``.

    The numbers are shares of the picture's sides. ``yolo/data.yaml`` has the names. There are no scores:
    the files are labels. A picture without objects has an empty file. Frames of videos are written to
    ``yolo/images``.

    Source: the files of Ultralytics' YOLO.
    """

    place = 'yolo'

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._named = False

    def needs_image(self, frames: bool) -> bool:
        """Frames become files."""
        return frames

    def write(self, record: Record, image: Image | None) -> None:
        """Writes one picture's file."""
        if not self._named:
            names = ''.join(
                f'  {n}: {json.dumps(name)}\n' for n, name in enumerate(self.settings.classes)
            )
            write_text_atomically(self.path / 'data.yaml', f'path: .\nnames:\n{names}')
            self._named = True
        lines = []
        for label, (x1, y1, x2, y2) in zip(record.labels, record.bboxes, strict=True):
            shares = (
                (x1 + x2) / 2 / record.width,
                (y1 + y2) / 2 / record.height,
                (x2 - x1) / record.width,
                (y2 - y1) / record.height,
            )
            lines.append(f'{label} ' + ' '.join(f'{share:.7f}' for share in shares) + '\n')
        if record.frame is not None:
            _write_frame(image, self.path / 'images' / f'{record.stem}.png')
        write_text_atomically(self.path / 'labels' / f'{record.stem}.txt', ''.join(lines))


def _write_frame(image: Image | None, path: Path) -> None:
    """Writes a video's frame, which is no file yet."""
    assert image is not None
    with whole_or_not(path) as temporary:
        cv2.imwrite(str(temporary), image)
