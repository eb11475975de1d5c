"""From pictures to tiles and back, while tiles of several pictures are under way."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from ...utils.errors import UserError
from ...utils.found_objects import found_objects
from ..progress import Progress
from ..reading import Item, Loaded, Unreadable
from ..results import Predicted
from .merging import Found, merge_tiles
from .tiles import Tiles, Window
from .windows import Scene, open_scene


@dataclass(eq=False)
class _Under:
    """A picture under way: its scene, and what was found in its tiles so far."""

    item: Item
    scene: Scene
    windows: list[Window]
    found: dict[int, Found] = field(default_factory=dict)
    broken: str = ''


@dataclass(frozen=True, eq=False)
class _Tile:
    """One tile of a picture under way."""

    under: _Under
    number: int

    @property
    def name(self) -> str:
        """For messages."""
        return f'{self.under.item.name} {self.under.windows[self.number]}'


class Scenes:
    """Cuts pictures into tiles, and puts together what is found in them.

    Args:
        tiles: How they are cut.
        keep_image: Give a copy of each picture, smaller if it is huge.
        progress: Is told how many tiles there are.

    Attributes:
        scale: The factor by which the test pipeline resizes tiles, as far as it is known.
    """

    def __init__(self, tiles: Tiles, keep_image: bool, progress: Progress) -> None:
        self.tiles, self._keep_image, self._progress = tiles, keep_image, progress
        self.scale = 1.0

    def cut(
        self, items: Iterable[Item | Unreadable], whole: Callable[[Item], np.ndarray | Unreadable]
    ) -> Iterator[_Tile | Unreadable]:
        """The tiles of pictures, one picture after the other.

        Args:
            items: The pictures.
            whole: Reads a picture of which no windows can be read.
        """
        for item in items:
            if isinstance(item, Unreadable):
                self._progress.expect(1)
                yield item
                continue
            try:
                scene = self._open(item, whole)
            except _NotReadError as error:
                self._progress.expect(1)
                yield error.unreadable
                continue
            under = _Under(item, scene, self.tiles.windows(scene.width, scene.height))
            self._progress.expect(len(under.windows))
            for number in range(len(under.windows)):
                yield _Tile(under, number)

    def _open(self, item: Item, whole: Callable[[Item], np.ndarray | Unreadable]) -> Scene:
        def read() -> np.ndarray:
            image = whole(item)
            if isinstance(image, Unreadable):
                raise _NotReadError(image)
            return image

        if item.array is not None or '://' in item.path:
            return Scene(read())
        try:
            return open_scene(item.path, read)
        except (_NotReadError, ImportError):
            raise
        except Exception as error:
            # Whatever tifffile or GDAL say of a damaged file.
            raise _NotReadError(Unreadable(item, str(error) or type(error).__name__)) from error

    @staticmethod
    def reader(pipeline: Callable[..., Loaded | Unreadable]) -> Callable[..., Loaded | Unreadable]:
        """A function that reads a tile and puts it through the test pipeline."""

        def read(tile: _Tile, keep_image: bool = False) -> Loaded | Unreadable:
            try:
                pixels = tile.under.scene.read(tile.under.windows[tile.number])
            except Exception as error:
                # As above, for a part of the file.
                return Unreadable(tile, str(error) or type(error).__name__)  # type: ignore[arg-type]
            item = Item(tile.name, tile.name, array=pixels, prompt=tile.under.item.prompt)
            loaded = pipeline(item)
            if isinstance(loaded, Unreadable):
                return Unreadable(tile, loaded.reason)  # type: ignore[arg-type]
            return Loaded(tile, loaded.data)

        return read

    def collect(self, done: Predicted | Unreadable) -> Iterator[Predicted | Unreadable]:
        """Takes a tile's result; gives the picture's when it was the last of its tiles."""
        tile: Any = done.item
        if not isinstance(tile, _Tile):
            yield done
            return
        under = tile.under
        if isinstance(done, Unreadable):
            under.broken = under.broken or done.reason
            under.found[tile.number] = Found(np.zeros((0, 4)), np.zeros(0), np.zeros(0, dtype=int))
        else:
            under.found[tile.number] = Found(*found_objects(done.sample))
            self.scale = float(done.sample.get('scale_factor', (1.0,))[0])
        if len(under.found) == len(under.windows):
            yield Unreadable(under.item, under.broken) if under.broken else self._merged(under)

    def _merged(self, under: _Under) -> Predicted:
        scene, tiles = under.scene, self.tiles
        found = [under.found[number] for number in range(len(under.windows))]
        size = scene.width, scene.height
        merged = merge_tiles(found, under.windows, size, tiles.merge, tiles.threshold)
        shape = scene.height, scene.width
        sample = DetDataSample(
            metainfo=dict(
                img_path=under.item.path, ori_shape=shape, img_shape=shape, scale_factor=(1.0, 1.0)
            )
        )
        sample.pred_instances = InstanceData(
            bboxes=torch.from_numpy(merged.bboxes),
            scores=torch.from_numpy(merged.scores),
            labels=torch.from_numpy(merged.labels),
        )
        return Predicted(under.item, sample, scene.small() if self._keep_image else None)


class _NotReadError(UserError):
    """Carries why a picture could not be read."""

    def __init__(self, unreadable: Unreadable) -> None:
        super().__init__(unreadable.reason)
        self.unreadable = unreadable
