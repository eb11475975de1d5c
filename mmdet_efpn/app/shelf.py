"""Uploaded pictures and what was found in them: a few, each known by a number that cannot be guessed."""

import secrets
import shutil
import tempfile
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

from ..utils.errors import UserError
from .limits import Limits
from .viewer import Shown

MOST = 16  # pictures that are kept; the oldest goes first
LONGEST_NAME = 80


@dataclass
class Picture:
    """One upload.

    Attributes:
        name: As the user calls it, without folders.
        file: Where it is.
        shown: What was found last, by how it was looked for.
    """

    name: str
    file: Path
    shown: dict[tuple, Shown] = field(default_factory=dict)


class Shelf:
    """Keeps uploads in a folder of its own, which goes when the shelf is closed.

    Args:
        limits: The largest upload.
        most: How many pictures are kept.
    """

    def __init__(self, limits: Limits, most: int = MOST) -> None:
        self.limits, self._most = limits, most
        self._folder = Path(tempfile.mkdtemp(prefix='mmdet-efpn-app-'))
        self._pictures: OrderedDict[str, Picture] = OrderedDict()
        self._lock = threading.Lock()

    def new_file(self) -> Path:
        """A file to write an upload to."""
        folder = self._folder / secrets.token_urlsafe(12)
        folder.mkdir()
        return folder / 'upload'

    def take(self, name: str, file: Path) -> str:
        """Takes an upload in; gives its number.

        Args:
            name: As the browser calls it.
            file: What :meth:`new_file` gave, written.

        Raises:
            UserError: It is no picture, or too large; its file is removed.
        """
        name = plain_name(name)
        try:
            self.limits.check_bytes(name, file.stat().st_size)
            suffix = self.limits.check_header(name, file)
        except UserError:
            self.drop(file)
            raise
        kept = file.with_suffix(suffix)
        file.rename(kept)
        with self._lock:
            self._pictures[file.parent.name] = Picture(name, kept)
            while len(self._pictures) > self._most:
                _, oldest = self._pictures.popitem(last=False)
                self.drop(oldest.file)
        return file.parent.name

    def __getitem__(self, number: str) -> Picture:
        """A picture.

        Raises:
            UserError: There is none of this number, or it had to make room.
        """
        with self._lock:
            if number not in self._pictures:
                raise UserError('this picture is no longer here: drop it on the page again')
            self._pictures.move_to_end(number)
            return self._pictures[number]

    @staticmethod
    def drop(file: Path) -> None:
        """Removes an upload's files."""
        shutil.rmtree(file.parent, ignore_errors=True)

    def close(self) -> None:
        """Removes all."""
        shutil.rmtree(self._folder, ignore_errors=True)


def plain_name(name: str) -> str:
    """A file's name without folders and control characters.

    >>> plain_name('C:/boards/../a b.png')
    'a b.png'
    """
    last = name.replace('\\', '/').rpartition('/')[2]
    kept = ''.join(sign for sign in last if sign.isprintable())[-LONGEST_NAME:]
    return kept if kept.strip('. ') else 'picture'
