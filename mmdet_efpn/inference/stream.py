"""Predictions one after the other, in bounded memory."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from torch import nn

from .progress import Progress
from .reading import (
    Item,
    Loaded,
    TestPipeline,
    Unreadable,
    Wanted,
    each_picture,
    in_batches,
    load_all,
    padded_size,
    per_thread,
)
from .results import Predicted
from .tiling import Scenes, Tiles

AHEAD = 2  # batches that may wait, read, beside the one that runs
MOST_WAITING = 4  # batches' worth of pictures that wait for others of their size


class Stream:
    """Runs a detector on pictures, in whatever order batches come to be full.

    Args:
        cfg: The detector's config, whose test pipeline reads the pictures.
        model: The detector.
        forward: Runs it on what ``pseudo_collate`` makes of a batch.
        batch_size: Pictures, or tiles, in a batch. A batch holds pictures of one padded size, so that
            each has the result that it has alone.
        workers: Threads that read pictures; 0: they are read between batches.
        tiles: Cut pictures into tiles; the memory is then that of some tiles where the file's format
            lets windows be read, else that of the picture.
        keep_image: Give the pictures too; of a huge one that is cut into tiles a smaller copy.
        progress: Is told of each picture, or tile.

    Attributes:
        scenes: What cuts pictures into tiles, once :meth:`run` is under way.
    """

    def __init__(
        self,
        cfg: Config,
        model: nn.Module,
        forward: Callable[[dict], list[DetDataSample]],
        batch_size: int = 1,
        workers: int = 2,
        tiles: Tiles | None = None,
        keep_image: bool = False,
        progress: Progress | None = None,
    ) -> None:
        self._cfg, self._forward, self._size = cfg, forward, padded_size(model)
        self._batch_size, self._workers = batch_size, workers
        self._tiles, self._keep_image = tiles, keep_image
        self._progress = progress or Progress('', shown=False)
        self.scenes: Scenes | None = None

    def run(
        self, sources: Sequence[Item], every: int = 1, wanted: Wanted = lambda item: True
    ) -> Iterator[Predicted | Unreadable]:
        """Each picture, predicted, or why it could not be read.

        Args:
            sources: As :func:`find_sources` gives them.
            every: Of a video, each frame whose number is a multiple of this.
            wanted: Pictures and frames for which this is false are left out.
        """
        items: Any = each_picture(sources, every, wanted)
        if self._tiles is None:
            yield from self._results(
                items, per_thread(lambda: TestPipeline(self._cfg)), self._keep_image
            )
            return
        scenes = Scenes(self._tiles, self._keep_image, self._progress)
        self.scenes = scenes
        read = scenes.reader(per_thread(lambda: TestPipeline(self._cfg)))
        for tile in self._results(scenes.cut(items, TestPipeline(self._cfg).image), read, False):
            yield from scenes.collect(tile)

    def _results(
        self, items: Iterator, read: Callable, keep_image: bool
    ) -> Iterator[Predicted | Unreadable]:
        def load(item: Any) -> Any:
            return item if isinstance(item, Unreadable) else read(item, keep_image=keep_image)

        size = self._batch_size
        loaded = load_all(items, load, self._workers, AHEAD * size + self._workers)
        for batch in in_batches(loaded, self._group, size, MOST_WAITING * size):
            for result in self._predict(batch):
                self._progress.advance()
                yield result

    def _predict(self, batch: list) -> list[Predicted | Unreadable]:
        if isinstance(batch[0], Unreadable):
            return batch
        samples = self._forward(pseudo_collate([one.data for one in batch]))
        pairs = zip(batch, samples, strict=True)
        return [Predicted(one.item, sample, one.image) for one, sample in pairs]

    def _group(self, loaded: Loaded | Unreadable) -> Any:
        return None if isinstance(loaded, Unreadable) else self._size(loaded.data)
