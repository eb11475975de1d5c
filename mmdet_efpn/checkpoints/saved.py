"""The checkpoints that a run saved: the last whole one, and those that an interruption damaged."""

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from .safe_load import DamagedFileError, read_checkpoint


@dataclass(frozen=True)
class SavedCheckpoint:
    """What a run can go on from.

    Attributes:
        path: The last checkpoint that can be read; ``None``: the run has saved none yet.
        damaged: Later ones that cannot be read, the last first.
    """

    path: str | None
    damaged: tuple[str, ...] = ()

    @property
    def skipped(self) -> str:
        """A sentence that names the damaged ones; empty where there are none."""
        return f'skipped, for they are damaged: {", ".join(self.damaged)}' if self.damaged else ''


def saved_checkpoints(work_dir: str | Path) -> list[Path]:
    """The checkpoints in a work folder, the last one first.

    The folder's ``last_checkpoint`` note names the last one that was finished; its file's name counts
    where the folder has moved. A newer one of a higher number was saved, or cut off, just before the
    note would have been written. The ones of lower numbers follow, then all others, the newest first.
    """
    folder = Path(work_dir)
    files = [path for pattern in ('iter_*.pth', 'epoch_*.pth') for path in folder.glob(pattern)]
    files.sort(key=lambda path: (path.stat().st_mtime, _number(path)), reverse=True)
    noted = _noted(folder)
    if noted is None:
        return files
    alike = [path for path in files if path.name.split('_')[0] == noted.name.split('_')[0]]
    alike.sort(key=_number, reverse=True)
    age, number = noted.stat().st_mtime, _number(noted)
    later = [path for path in alike if _number(path) > number and path.stat().st_mtime >= age]
    earlier = [path for path in alike if _number(path) < number]
    first = [*later, noted, *earlier]
    return [*first, *(path for path in files if path.name not in {one.name for one in first})]


def last_checkpoint(work_dir: str | Path) -> SavedCheckpoint:
    """The last whole checkpoint in a work folder. Each is read to know: a kill may cut off any part.

    Raises:
        DamagedFileError: All of them are damaged.
        UnsafePickleError: One holds more than a training's state.
    """
    damaged: list[str] = []
    for path in saved_checkpoints(work_dir):
        try:
            read_checkpoint(path)
            _check_sums(path)
        except DamagedFileError:
            damaged.append(str(path))
        else:
            return SavedCheckpoint(str(path), tuple(damaged))
    if damaged:
        raise DamagedFileError(
            f'--resume: none of the checkpoints in {work_dir} is whole, all are damaged: '
            f'{", ".join(damaged)}; name another one, or train anew with --overwrite'
        )
    return SavedCheckpoint(None)


def _check_sums(path: Path) -> None:
    """Raises a :class:`DamagedFileError` for numbers that are not those that were saved.

    Torch does not look at the archive's checksums when it reads. Where it was told not to write them
    either, they are 0.
    """
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        for record in (record for record in archive.infolist() if record.CRC):
            try:
                with archive.open(record) as content:
                    while content.read(1 << 20):
                        pass
            except zipfile.BadZipFile as error:
                raise DamagedFileError(f'{path} is damaged: {error}') from error


def _noted(folder: Path) -> Path | None:
    """The file that the folder's note names, if it is there."""
    note = folder / 'last_checkpoint'
    if not note.is_file():
        return None
    path = Path(note.read_text().strip())
    return next((place for place in (path, folder / path.name) if place.is_file()), None)


def _number(path: Path) -> int:
    found = re.search(r'_(\d+)\.pth$', path.name)
    return int(found[1]) if found else 0
