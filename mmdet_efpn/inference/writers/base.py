"""What writers have in common."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..reading import Unreadable
from ..records import Record

Image = np.ndarray


@dataclass(frozen=True)
class Settings:
    """What the writers of one prediction are told.

    Attributes:
        out_dir: The prediction's folder.
        classes: Class names.
        palette: RGB by class number.
        info: Plain values that say how the predictions were made.
    """

    out_dir: Path
    classes: tuple[str, ...]
    palette: list[tuple[int, int, int]]
    info: dict[str, Any] = field(default_factory=dict)


class Writer:
    """Writes a file for each picture, as soon as it is done.

    Attributes:
        place: The file or folder below the prediction's folder.
    """

    place = ''

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.path = settings.out_dir / self.place

    def check(self, paths: Iterable[str]) -> None:
        """Raises an error where pictures cannot be written in this format; before anything is done."""

    def needs_image(self, frames: bool) -> bool:
        """Whether it needs the pixels; ``frames``: of pictures that are no files, or not all."""
        return False

    def write(self, record: Record, image: Image | None) -> None:
        """Writes one picture's file.

        Args:
            record: What was found.
            image: (h, w, 3) uint8 BGR, where it is needed; smaller than the picture if that is huge.
        """
        raise NotImplementedError


class FileWriter(Writer):
    """Writes one file for all pictures, at the end, from what can be read again and again."""

    def write(self, record: Record, image: Image | None) -> None:
        """Nothing is written picture by picture."""

    def write_all(self, done: Iterable[Record | Unreadable]) -> None:
        """Writes the file.

        Args:
            done: All pictures in order; each iteration reads them anew.
        """
        raise NotImplementedError


def relative(path: str, folder: Path) -> str:
    """A file as seen from a folder, with ``/``."""
    return Path(os.path.relpath(os.path.abspath(path), folder.absolute())).as_posix()
