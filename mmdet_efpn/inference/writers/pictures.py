"""Pictures with thin boxes, whose labels leave small objects in sight."""

import numpy as np

from ...visualization import draw_boxes, legend, write_png
from ..records import Record
from .base import Image, Writer


class PictureWriter(Writer):
    """``pictures/NAME.png``: boxes one pixel wide, labels beside them, a legend below."""

    place = 'pictures'

    def needs_image(self, frames: bool) -> bool:
        """Always."""
        return True

    def write(self, record: Record, image: Image | None) -> None:
        """Draws one picture."""
        assert image is not None
        names, palette = self.settings.classes, self.settings.palette
        scale = image.shape[1] / record.width
        last = slice(None, None, -1)  # the surest over the others
        boxes = np.array(record.bboxes, dtype=float).reshape(-1, 4)
        picture = draw_boxes(
            image[..., ::-1],
            boxes[last] * scale,
            record.labels[last],
            names,
            record.scores[last],
            palette,
            text_height=min(17, max(9, round(image.shape[1] / 140))),  # lines stay one pixel wide
        )
        present = sorted(set(record.labels))
        if present:
            strip = legend([names[n] for n in present], [palette[n] for n in present], picture.shape[1])
            picture = np.vstack([picture, strip])
        write_png(picture, self.path / f'{record.stem}.png')
