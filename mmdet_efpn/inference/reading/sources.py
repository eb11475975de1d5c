"""What to predict on: pictures, folders, globs, lists of paths, videos, arrays."""

import glob
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from ...utils.errors import MissingFileError, UserError
from .videos import VIDEO_SUFFIXES, frames_of

IMAGE_SUFFIXES = ('.bmp', '.jpeg', '.jpg', '.pgm', '.png', '.ppm', '.tif', '.tiff', '.webp')
SCENE_SUFFIXES = ('.jp2', '.vrt')  # pictures that only rasterio reads
_GLOB = re.compile(r'[*?\[]')
Wanted = Callable[['Item'], bool]


@dataclass(frozen=True)
class Item:
    """One picture to predict on.

    Attributes:
        name: Its name in files of predictions, with ``/``: relative to the folder that holds all.
        stem: The name without suffix, for files about this picture; no two items have the same.
        path: Its file, or the video's; empty for an array.
        frame: Its number in the video, counted from 0; ``None`` for a picture.
        array: (h, w, c), BGR; ``None``: the file is read later.
        prompt: Further keys for the test pipeline, such as ``text``.
    """

    name: str
    stem: str
    path: str = ''
    frame: int | None = None
    array: np.ndarray | None = field(default=None, compare=False, repr=False)
    prompt: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def key(self) -> tuple[str, int | None]:
        """What tells it from all others: file and frame."""
        return self.path or self.name, self.frame


@dataclass(frozen=True)
class Unreadable:
    """An item that cannot be read, or a part of a video, and why."""

    item: Item
    reason: str


def find_sources(inputs: Any) -> list[Item]:
    """The pictures and videos that are meant, each once, in the order in which they are named.

    Args:
        inputs: A path, an address (``scheme://``), an array (h, w, c) in BGR, or a list of these. A path
            may be a picture, a video, a folder (its pictures and videos by name, without those of
            folders inside), a pattern such as ``boards/**/*.jpg``, or a text file (``.txt``) with a path
            on each line. Paths in a text file are relative to the working folder, or else to the file.

    Returns:
        list[Item]: An item for each picture and for each whole video.

    Raises:
        MissingFileError: A path that was named is not there, or a folder or pattern has no picture.
        UserError: A file is neither picture nor video, an array has another shape, or nothing is named.
    """
    given = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    arrays: list[Item] = []
    paths: list[str] = []
    for one in given:
        if isinstance(one, np.ndarray):
            arrays.append(_array_item(one, len(arrays)))
        elif isinstance(one, (str, os.PathLike)):
            paths += _expand(os.fspath(one))
        else:
            raise UserError(f'expected paths or arrays to predict on, got {type(one).__name__}')
    if arrays and paths:
        raise UserError('give either arrays or paths, not both in one call')
    if not arrays and not paths:
        raise UserError('there is nothing to predict on')
    return arrays or _named(list(dict.fromkeys(paths)))


def image_root(sources: Sequence[Item]) -> str:
    """The folder that names of items are relative to; empty for arrays and addresses alone."""
    files = [item.path for item in sources if item.path and '://' not in item.path]
    return _common_folder(files) if files else ''


def is_video(path: str) -> bool:
    """Whether a file is a video, by its suffix."""
    return Path(path).suffix.lower() in VIDEO_SUFFIXES


def each_picture(
    sources: Iterable[Item], every: int = 1, wanted: Wanted = lambda item: True
) -> Iterator[Item | Unreadable]:
    """The sources' pictures: themselves, and the frames of videos.

    Args:
        sources: As :func:`find_sources` gives them.
        every: Of a video, each frame whose number is a multiple of this.
        wanted: Frames and pictures for which this is false are passed over, frames undecoded.
    """
    for source in sources:
        if source.array is not None or not is_video(source.path):
            if wanted(source):
                yield source
            continue
        for number, image in frames_of(source.path, partial(_is_wanted, source, every, wanted)):
            frame = _frame(source, number)
            if isinstance(image, str):
                yield Unreadable(replace(frame, name=source.name), image)
            else:
                yield replace(frame, array=image)


def _is_wanted(video: Item, every: int, wanted: Wanted, number: int) -> bool:
    return number % every == 0 and wanted(_frame(video, number))


def _frame(video: Item, number: int) -> Item:
    stem = f'{video.stem}_{number:06d}'
    return replace(video, name=f'{stem}.png', stem=stem, frame=number)


def _array_item(array: np.ndarray, number: int) -> Item:
    if array.ndim not in (2, 3) or 0 in array.shape:
        raise UserError(f'an array to predict on is a picture (h, w, c), got the shape {array.shape}')
    return Item(name=f'{number:08d}.jpg', stem=f'{number:08d}', array=array)


def _expand(path: str) -> list[str]:
    """The files that a path means."""
    if '://' in path:
        return [path]
    if os.path.isdir(path):
        return _of_folder(path)
    if not os.path.exists(path) and _GLOB.search(path):
        found = sorted(name for name in glob.glob(path, recursive=True) if _is_readable(name))
        if not found:
            raise MissingFileError(f'no picture or video matches {path} (looked from {Path.cwd()})')
        return found
    if not os.path.isfile(path):
        raise MissingFileError(f'no such picture, video or folder: {path} (looked from {Path.cwd()})')
    if path.lower().endswith('.txt'):
        return _listed(Path(path))
    if not _is_readable(path):
        raise UserError(
            f'{path} is neither a picture ({", ".join(IMAGE_SUFFIXES)}) nor a video '
            f'({", ".join(VIDEO_SUFFIXES)}) nor a list of paths (.txt)'
        )
    return [path]


def _of_folder(folder: str) -> list[str]:
    inside = sorted(entry.path for entry in os.scandir(folder) if entry.is_file())
    found = [path for path in inside if _is_readable(path)]
    if not found:
        deeper = os.path.join(folder, '**', '*.jpg')
        raise MissingFileError(
            f'{folder} has no picture and no video; for those of folders inside, name a pattern: '
            f"'{deeper}'"
        )
    return found


def _listed(file: Path) -> list[str]:
    """The paths in a text file; those that are not there stay, and are named when they are read."""
    try:
        lines = [line.strip() for line in file.read_text(encoding='utf-8-sig').splitlines()]
    except UnicodeDecodeError as error:
        raise UserError(f'{file} is no text file in UTF-8: {error}') from error
    paths = [line for line in lines if line and not line.startswith('#')]
    if not paths:
        raise UserError(f'{file} names no picture: it must have a path on each line')
    beside = [str(file.parent / path) for path in paths]
    return beside if sum(map(os.path.exists, beside)) > sum(map(os.path.exists, paths)) else paths


def _is_readable(path: str) -> bool:
    suffix = Path(path).suffix.lower()
    return suffix in (*IMAGE_SUFFIXES, *SCENE_SUFFIXES, *VIDEO_SUFFIXES) and not os.path.isdir(path)


def _common_folder(paths: Sequence[str]) -> str:
    return os.path.commonpath([os.path.dirname(os.path.abspath(path)) for path in paths])


def _named(paths: Sequence[str]) -> list[Item]:
    """Items with the names that paths have in the folder that holds them all."""
    files = [path for path in paths if '://' not in path]
    root = _common_folder(files) if files else ''
    items, stems = [], set()
    for path in paths:
        if '://' in path:
            name = path.partition('://')[2]
        else:
            name = Path(os.path.relpath(os.path.abspath(path), root)).as_posix()
        pure = PurePosixPath(name)
        stem = str(pure.with_suffix(''))
        if stem.lower() in stems:  # a.png beside a.jpg
            stem = f'{stem}_{pure.suffix[1:]}'
        while stem.lower() in stems:
            stem += '_'
        stems.add(stem.lower())
        items.append(Item(name=name, stem=stem, path=path))
    return items
