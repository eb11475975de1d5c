"""The lock that keeps two runs of a recipe out of one folder."""

import fcntl
from pathlib import Path
from typing import TextIO

from ..utils.errors import UserError


class FolderInUseError(UserError):
    """Another run of a recipe, or a training that one left behind, works in a folder."""


def take_lock(folder: Path) -> TextIO:
    """Keeps a second run out of a folder while this one, or a training it left, works there.

    What the recipe starts inherits the lock, so that a training which outlives its recipe still holds
    it; of one of several processes (``--processes``), its launcher does.

    Raises:
        FolderInUseError: The folder is in use.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = open(folder / 'recipe.lock', 'w')  # noqa: SIM115 (open as long as the process)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise FolderInUseError(
            f'{folder} is in use by another run of a recipe, or by a training that one left behind; '
            'wait for it, end it, or choose another --work-dir'
        ) from None
    return lock
