"""Runs the detector on a picture of the shelf, once for each way to look at it."""

import threading
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from .. import __version__
from ..inference import (
    FORMATS,
    Item,
    Predicted,
    Predictor,
    Tiles,
    Unreadable,
    WriterSettings,
    make_record,
)
from ..utils.errors import UserError
from ..visualization import palette_of, write_png
from .levels import FinestLevel, finest_level
from .limits import without_paths
from .shelf import Picture, Shelf
from .viewer import Shown, above

LONGEST_SIDE = 8192  # pixels of the copy that the browser shows
LOSSLESS = 4_000_000  # pixels up to which the copy is a PNG


@dataclass(frozen=True)
class Workbench:
    """A detector, and the pictures that it looks at.

    Args:
        predictor: The detector.
        shelf: The pictures.
        batch_size: Tiles at a time.
    """

    predictor: Predictor
    shelf: Shelf
    batch_size: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, '_lock', threading.Lock())

    @property
    def level(self) -> FinestLevel | None:
        """The rule by which boxes are of P2'."""
        return finest_level(self.predictor.model)

    def find(self, number: str, tiles: Tiles | None = None) -> Shown:
        """All objects in a picture; found once for each way to cut it.

        Args:
            number: The picture's, as the shelf gave it.
            tiles: Cut it into tiles.

        Raises:
            UserError: The picture cannot be read, or is no longer there. No path is in the message.
        """
        picture, key = self.shelf[number], (tiles,)
        with self._lock:  # type: ignore[attr-defined]
            if key not in picture.shown:
                try:
                    picture.shown[key] = self._find(number, picture, tiles)
                except UserError as error:
                    said = str(error).replace(str(picture.file), picture.name)
                    raise UserError(without_paths(said)) from None
            return picture.shown[key]

    def _find(self, number: str, picture: Picture, tiles: Tiles | None) -> Shown:
        item = Item(picture.name, Path(picture.name).stem, str(picture.file))
        stream = self.predictor.stream(self.batch_size, 0, tiles, keep_image=True)
        (done,) = stream.run([item])
        if isinstance(done, Unreadable):
            raise UserError(f'{picture.name} cannot be read: {done.reason}')
        meta = self.predictor.model.dataset_meta
        record = replace(make_record(done.item, done.sample, meta), path='')
        scale = done.sample.get('scale_factor', (1.0,))[0]
        scale = float(scale) if stream.scenes is None else stream.scenes.scale
        level = self.level
        boxes = np.array(record.bboxes, dtype=float).reshape(-1, 4)
        return Shown(
            record=record,
            address=f'shown/{number}/{_write_copy(done, picture.file)}',
            classes=self.predictor.classes,
            colours=tuple(palette_of(dict(meta))),
            rule=None if level is None else level.rule,
            from_p2_prime=() if level is None else tuple(level.marks(boxes, scale).tolist()),
            tiles=0 if tiles is None else len(tiles.windows(record.width, record.height)),
        )

    def copy_of(self, number: str, name: str) -> Path:
        """The copy of a picture that a browser shows; a file beside the upload.

        Raises:
            UserError: There is none.
        """
        if name not in COPIES:
            raise UserError('there is no such picture')
        file = self.shelf[number].file.with_name(name)
        if not file.is_file():
            raise UserError('there is no such picture')
        return file

    def coco_json(self, number: str, score: float, tiles: Tiles | None = None) -> str:
        """What ``mmdet-efpn predict --format coco`` writes of a picture.

        Args:
            number: The picture's.
            score: The lowest score that is kept.
            tiles: As in :meth:`find`.

        Raises:
            UserError: As :meth:`find`.
        """
        shown = above(self.find(number, tiles), score)
        folder = self.shelf[number].file.parent
        info = dict(
            description='predictions of mmdet-efpn',
            version=__version__,
            weights=Path(self.predictor.weights).name,
            lowest_score=score,
        )
        if tiles is not None:
            info['tiles'] = dict(size=tiles.size, overlap=tiles.overlap, merge=tiles.merge)
        settings = WriterSettings(folder, shown.classes, list(shown.colours), info)
        writer = FORMATS['coco'](settings)
        writer.write_all([shown.record])  # type: ignore[attr-defined]
        return writer.path.read_text(encoding='utf-8')


COPIES = ('copy.png', 'copy.jpg')


def _write_copy(done: Predicted, file: Path) -> str:
    """Writes a copy that browsers can show; gives its name."""
    assert done.image is not None
    image = done.image[..., ::-1]
    longest = max(image.shape[:2])
    if longest > LONGEST_SIDE:
        factor = LONGEST_SIDE / longest
        size = tuple(max(1, round(side * factor)) for side in image.shape[1::-1])
        image = cv2.resize(np.ascontiguousarray(image), size, interpolation=cv2.INTER_AREA)
    name = COPIES[image.shape[0] * image.shape[1] > LOSSLESS]
    write_png(image, file.with_name(name))
    return name
