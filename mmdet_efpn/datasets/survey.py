"""What a data set holds: its parts, its boxes by class, and boxes as its pipeline hands them out."""

import contextlib
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from mmcv.transforms import LoadImageFromFile
from mmengine.dataset import BaseDataset

MOST_PICTURES = 500


class Boxes(NamedTuple):
    """Boxes of one picture as a pipeline gives them.

    Attributes:
        boxes: (n, 4) ``x1, y1, x2, y2`` in pixels of the picture that the detector sees.
        height: Of that picture, in pixels.
        width: Of that picture, in pixels.
        ignored: (m, 4) boxes of regions that neither train nor count; ``None``: not looked for.
        original: Height and width in pixels of the file; ``None`` where the pipeline does not tell.
    """

    boxes: torch.Tensor
    height: int
    width: int
    ignored: torch.Tensor | None = None
    original: tuple[int, int] | None = None


class BlankImage(LoadImageFromFile):
    """Gives a black picture of the annotated size instead of decoding a file."""

    def transform(self, results: dict) -> dict:
        """Fills in ``img``, ``img_shape`` and ``ori_shape``."""
        height, width = int(results['height']), int(results['width'])
        dtype = np.float32 if self.to_float32 else np.uint8
        results['img'] = np.zeros((height, width, 3), dtype)
        results['img_shape'] = results['ori_shape'] = (height, width)
        return results


def leaves(dataset: Any) -> list[BaseDataset]:
    """The data sets that read files, within repeated, joined or mixed ones; each once."""
    if hasattr(dataset, 'datasets'):
        found = [leaf for part in dataset.datasets for leaf in leaves(part)]
    elif hasattr(dataset, 'dataset'):
        found = leaves(dataset.dataset)
    else:
        found = [dataset]
    return list({id(leaf): leaf for leaf in found}.values())


def boxes_by_class(dataset: Any) -> tuple[Counter, int]:
    """How many boxes of each label a data set has, and how many ignored regions.

    Repetitions don't count.
    """
    counts: Counter[int] = Counter()
    ignored = 0
    for leaf in leaves(dataset):
        for place in range(len(leaf)):
            for instance in leaf.get_data_info(place).get('instances', ()):
                if instance.get('ignore_flag'):
                    ignored += 1
                else:
                    counts[instance['bbox_label']] += 1
    return counts, ignored


def pictures_of(dataset: Any) -> Iterator[str]:
    """The paths of all pictures of a data set."""
    for leaf in leaves(dataset):
        for place in range(len(leaf)):
            path = leaf.get_data_info(place).get('img_path')
            if isinstance(path, str):
                yield path


def boxes_after_pipeline(
    dataset: Any,
    most: int = MOST_PICTURES,
    watch: Callable[[Sequence[int]], Iterable[int]] = iter,
) -> list[Boxes]:
    """Boxes of some pictures, evenly spread, after the pipeline's resizing, crops and flips.

    The pictures are not decoded: the loader gives black ones of their size. Random steps begin with the
    same numbers each time; the state of the random numbers is kept.

    Args:
        dataset: A built data set or a wrapper of one, whose pipeline ends in ``PackDetInputs``.
        most (int): Number of pictures. Default 500.
        watch (Callable): Takes the places in the data set and gives them one by one, such as a
            progress bar. Default: just gives them.

    Returns:
        list[Boxes]: Of each picture that the pipeline does not throw out; ignored regions apart.
    """
    step = max(1, -(-len(dataset) // most))
    found = []
    with _blank_pictures(dataset), _kept_random_state():
        for place in watch(range(0, len(dataset), step)):
            packed = dataset[place]
            sample = packed.get('data_samples') if isinstance(packed, dict) else None
            if sample is None or 'gt_instances' not in sample:
                continue
            ignored = sample.ignored_instances if 'ignored_instances' in sample else None
            shown = None if ignored is None else _corners(ignored)
            sizes = (*sample.img_shape[:2], shown, sample.get('ori_shape'))
            found.append((_corners(sample.gt_instances), *sizes))
    return [
        Boxes(
            torch.from_numpy(boxes),
            height,
            width,
            None if ignored is None else torch.from_numpy(ignored),
            original,
        )
        for boxes, height, width, ignored, original in found
    ]


def _corners(instances: Any) -> np.ndarray:
    """Boxes (n, 4) as an array: small tensors among those of pictures would keep their memory taken."""
    boxes = instances.bboxes
    return getattr(boxes, 'tensor', boxes).numpy().astype(np.float32)  # a copy


@contextlib.contextmanager
def _blank_pictures(dataset: Any) -> Iterator[None]:
    """Lets the loaders of a data set's pipelines give black pictures while the body runs."""
    swapped = []
    for leaf in leaves(dataset):
        steps = leaf.pipeline.transforms
        for place, step in enumerate(steps):
            if type(step).__name__ == 'LoadImageFromFile':
                swapped.append((steps, place, step))
                steps[place] = BlankImage(to_float32=step.to_float32)
    try:
        yield
    finally:
        for steps, place, step in swapped:
            steps[place] = step


@contextlib.contextmanager
def _kept_random_state() -> Iterator[None]:
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
