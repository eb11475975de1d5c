"""Reading label files: text, JSON, pictures of a folder; every fault is a UserError that says where."""

import json
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ....utils.errors import MissingFileError, UserError
from ..picture import PICTURE_SUFFIXES


def read_text(path: Path) -> str:
    """A text file's content, in UTF-8 with or without a byte order mark.

    Raises:
        MissingFileError: There is no such file.
        UserError: It is no UTF-8.
    """
    try:
        return path.read_text(encoding='utf-8-sig')
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise MissingFileError(f'{path} is missing') from error
    except UnicodeDecodeError as error:
        raise UserError(f'{path} is not UTF-8 text: {error}') from error


def read_json(path: Path):
    """A JSON file's content.

    Raises:
        MissingFileError: There is no such file.
        UserError: It is no JSON.
    """
    text = read_text(path)
    if not text.strip():
        raise UserError(f'annotation file {path} is empty')
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise UserError(f'annotation file {path} is no valid JSON: {error}') from error


def numbers(values: Iterable) -> tuple[float, ...]:
    """Finite numbers; whole ones as ``int``.

    Raises:
        ValueError: One is no finite number.
        TypeError: One is null or a list.
    """
    found = []
    for value in values:
        if isinstance(value, bool):
            raise TypeError(f'{value} is no number')
        number = float(value)
        if not math.isfinite(number):
            raise ValueError(f'{value} is not finite')
        found.append(int(number) if number.is_integer() else number)
    return tuple(found)


def around(points: Sequence[Sequence[float]]) -> tuple[float, float, float, float]:
    """The upright box around points: x1, y1, x2, y2."""
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def pairs(values: Sequence[float]) -> list[tuple[float, float]]:
    """``x, y, x, y, ...`` as points."""
    return list(zip(values[::2], values[1::2], strict=True))


def from_size(x: float, y: float, width: float, height: float) -> tuple[float, float, float, float]:
    """A box given by its corner and size, as corners."""
    return x, y, x + width, y + height


def pictures_in(folder: Path, root: Path, deep: bool = True) -> list[str]:
    """Names of the pictures in a folder, relative to ``root``, sorted."""
    folders = walk(folder, None if deep else 0)
    return sorted(
        path.relative_to(root).as_posix()
        for here in folders
        for path in here.iterdir()
        if path.suffix.lower() in PICTURE_SUFFIXES and path.name[0] != '.' and path.is_file()
    )


def walk(folder: Path, depth: int | None) -> Iterator[Path]:
    """A folder and those below it, through links, each once: a link back to a folder above is left out.

    Args:
        folder: Where to begin; nothing is given if it is no folder.
        depth: How far down; None: all the way.
    """
    seen: set[str] = set()
    waiting = [(folder, 0)] if folder.is_dir() else []
    while waiting:
        here, level = waiting.pop(0)
        real = os.path.realpath(here)
        if real in seen:
            continue
        seen.add(real)
        yield here
        if depth is None or level < depth:
            children = (path for path in sorted(here.iterdir()) if path.name[0] != '.')
            waiting += [(path, level + 1) for path in children if path.is_dir()]


def folders_with(source: Path, pattern: str, depth: int = 3) -> list[Path]:
    """The folder and those below it, at most ``depth`` down, that hold a file of this pattern."""
    return [folder for folder in walk(source, depth) if any(folder.glob(pattern))]


def first_folder(root: Path, candidates: Iterable[str]) -> str | None:
    """The first of some folders that exists below ``root``."""
    return next((name for name in candidates if (root / name).is_dir()), None)


def class_list(source: Path, given: Sequence[str] | None, found: Iterable[str]) -> tuple[str, ...]:
    """Class names: those that the user gave, those of ``classes.txt`` or ``labels.txt``, or all, sorted.

    Raises:
        UserError: A name is given twice.
    """
    names = list(given or ())
    for file in ('classes.txt', 'labels.txt'):
        if not names and (source / file).is_file():
            lines = [line.strip() for line in read_text(source / file).splitlines()]
            names = [line for line in lines if line and line not in ('__ignore__', '_background_')]
    names = names or sorted(set(found))
    if len(set(names)) != len(names):
        raise UserError(f'a class is named twice: {names}')
    return tuple(names)
