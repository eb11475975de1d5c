"""Reads pictures in the background and puts them through the test pipeline, in bounded memory."""

import copy
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from mmengine.config import ConfigDict
from mmengine.dataset import Compose

from ...utils.config_parts import leaf_datasets
from ...utils.errors import UserError
from .sources import Item, Unreadable


@dataclass(frozen=True)
class Loaded:
    """An item as the detector takes it.

    Attributes:
        item: What it is.
        data: What the test pipeline gives: ``inputs`` and ``data_samples``.
        image: The picture as it was read, (h, w, 3) uint8 BGR, where it was asked for.
    """

    item: Any
    data: dict
    image: np.ndarray | None = None


class TestPipeline:
    """The test pipeline of a config for pictures without annotations: files, or arrays in BGR.

    Args:
        cfg: A detector's config.

    Raises:
        UserError: The config has no test pipeline.
    """

    __test__ = False  # no test, whatever pytest thinks of the name

    def __init__(self, cfg: ConfigDict) -> None:
        steps = _pipeline_of(cfg)
        steps = [step for step in steps if not _reads_annotations(_kind(step))]
        place = next((n for n, step in enumerate(steps) if _kind(step) in _LOADERS), None)
        self.takes_arrays = place is not None
        if place is not None:
            options = {key: value for key, value in steps[place].items() if key != 'type'}
            steps[place] = dict(options, type='mmdet.InferencerLoader')
        if steps and steps[-1].get('meta_keys'):  # a picture that is not of a data set has no number
            keys = tuple(key for key in steps[-1]['meta_keys'] if key != 'img_id')
            steps[-1] = dict(steps[-1], meta_keys=keys)
        first = 0 if place is None else place
        self._read, self._rest = Compose(steps[: first + 1]), Compose(steps[first + 1 :])

    def __call__(self, item: Item, keep_image: bool = False) -> Loaded | Unreadable:
        """Reads an item and transforms it.

        Raises:
            RuntimeError: A transform fails on a picture that could be read.
        """
        results = self._results(item)
        if isinstance(results, Unreadable):
            return results
        image = None
        if keep_image and isinstance(results.get('img'), np.ndarray):
            image = as_bgr(results['img'])
        try:
            data = self._rest(results)
        except Exception as error:
            raise RuntimeError(
                f'{item.name}: the test pipeline fails: {type(error).__name__}: {error}'
            ) from error
        return Loaded(item, data, image)

    def image(self, item: Item) -> np.ndarray | Unreadable:
        """The picture as the config's loader reads it, untransformed."""
        results = self._results(item)
        return results if isinstance(results, Unreadable) else results['img']

    def _results(self, item: Item) -> dict | Unreadable:
        try:
            results = self._read(self._start(item))
            if results is None:
                raise ValueError('its loader gives nothing')
        except UserError:
            raise
        except Exception as error:
            # Whatever a decoder, a file system or a server raises: the other pictures can be read.
            return Unreadable(item, _sentence(error))
        return results

    def _start(self, item: Item) -> dict:
        array = item.array
        if array is None:
            return dict(item.prompt, img_path=item.path, img_id=0)
        if not self.takes_arrays:
            raise UserError(
                'the test pipeline reads files only, for it has no LoadImageFromFile: '
                'give paths of pictures, not arrays, videos or tiles'
            )
        return dict(item.prompt, img=array if array.ndim == 3 else np.stack([array] * 3, axis=-1))


def load_all(
    items: Iterable[Any], load: Callable[[Any], Any], workers: int, ahead: int
) -> Iterator[Any]:
    """``load(item)`` of each item, in order; threads work ahead of whoever takes the results.

    Args:
        items: Read one after the other, by a thread of their own. What is no :class:`Item` is handed on.
        load: Called by several threads at once.
        workers: Number of threads; 0: all is done as it is asked for.
        ahead: How many results may wait.

    Yields:
        The results.

    Raises:
        What ``items`` or ``load`` raise.
    """
    if workers == 0:
        for item in items:
            yield load(item)
        return
    waiting: queue.Queue = queue.Queue()
    free, stopped = threading.Semaphore(ahead), threading.Event()
    pool = ThreadPoolExecutor(workers, thread_name_prefix='load')

    def feed() -> None:
        try:
            for item in items:
                free.acquire()
                if stopped.is_set():
                    return
                waiting.put(pool.submit(load, item))
            waiting.put(None)
        except BaseException as error:
            failed: Future = Future()
            failed.set_exception(error)
            waiting.put(failed)

    feeder = threading.Thread(target=feed, name='feed', daemon=True)
    feeder.start()
    try:
        while (future := waiting.get()) is not None:
            result = future.result()
            del future
            free.release()
            yield result
    finally:
        stopped.set()
        free.release()
        pool.shutdown(wait=True, cancel_futures=True)


def per_thread(make: Callable[[], Callable]) -> Callable:
    """A function that calls what ``make`` gives, made once for each thread: transforms keep state."""
    local = threading.local()

    def call(*args: Any, **kwargs: Any) -> Any:
        if not hasattr(local, 'call'):
            local.call = make()
        return local.call(*args, **kwargs)

    return call


def as_bgr(image: np.ndarray) -> np.ndarray:
    """A picture of any loader as (h, w, 3) uint8."""
    if image.ndim == 2:
        image = image[..., None]
    image = image[..., :3] if image.shape[2] >= 3 else np.repeat(image[..., :1], 3, axis=2)
    return image if image.dtype == np.uint8 else image.clip(0, 255).astype(np.uint8)


_LOADERS = ('LoadImageFromFile', 'LoadImageFromNDArray', 'InferencerLoader')


def _pipeline_of(cfg: ConfigDict) -> list[dict]:
    loaders = cfg.get('test_dataloader') or {}
    loader = loaders if isinstance(loaders, dict) else loaders[0]
    for dataset in leaf_datasets(loader.get('dataset')):
        if dataset.get('pipeline'):
            return [dict(copy.deepcopy(step)) for step in dataset['pipeline']]
    if cfg.get('test_pipeline'):
        return [dict(copy.deepcopy(step)) for step in cfg['test_pipeline']]
    raise UserError('the config has no test pipeline: test_dataloader.dataset.pipeline is missing')


def _kind(step: dict) -> str:
    kind = step['type']
    return kind.rpartition('.')[2] if isinstance(kind, str) else getattr(kind, '__name__', str(kind))


def _reads_annotations(kind: str) -> bool:
    return kind.startswith('Load') and kind.endswith(('Annotations', 'Proposals'))


def _sentence(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
