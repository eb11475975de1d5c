"""What a prediction has done so far, on disk: a kill loses the pictures under way alone."""

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ...utils.atomic_file import write_text_atomically
from ...utils.errors import ExistingFileError, UserError
from ..reading import Item, Unreadable
from ..records import Record

FOLDER = 'unfinished'
SETTINGS = 'settings.json'
Key = tuple[str, int | None]


class Journal:
    """The folder ``unfinished`` below a prediction's: its settings, and a line for each picture done.

    Each process appends to a file of its own. A line is written when all files about its picture are.

    Args:
        out_dir: The prediction's folder.
    """

    def __init__(self, out_dir: str | Path) -> None:
        self.folder = Path(out_dir) / FOLDER
        self._places: dict[Key, tuple[Path, int]] = {}
        self._file: Any = None

    def begin(self, settings: Mapping[str, Any], resume: bool, overwrite: bool) -> bool:
        """Starts a journal, or goes on with the one that is there.

        Args:
            settings: Plain values on which the results depend.
            resume: Go on with what is there.
            overwrite: Throw away what is there.

        Returns:
            Whether there is something to go on with.

        Raises:
            ExistingFileError: An unfinished prediction is there, and neither was asked for.
            UserError: It was made with other settings.
        """
        file = self.folder / SETTINGS
        if self.folder.exists() and not resume:
            if not overwrite:
                raise ExistingFileError(
                    f'{self.folder} is of a prediction that was interrupted: --resume goes on with it, '
                    '--overwrite starts anew'
                )
            shutil.rmtree(self.folder)
        if file.is_file():
            before = json.loads(file.read_text(encoding='utf-8'))
            wanted = json.loads(json.dumps(dict(settings)))
            others = [key for key in wanted if wanted[key] != before.get(key)]
            if others:
                said = ', '.join(f'{key}={before.get(key)}, now {wanted[key]}' for key in others)
                raise UserError(
                    f'--resume: the interrupted prediction in {self.folder.parent} has other settings: '
                    f'{said}; give the same ones, or start anew with --overwrite'
                )
            return True
        write_text_atomically(file, json.dumps(dict(settings), indent=1))
        return False

    def open(self, rank: int) -> None:
        """Reads what is done, and opens this process's own file to go on with.

        Raises:
            UserError: The folder that the first process made is not there.
        """
        if not (self.folder / SETTINGS).is_file():
            raise UserError(
                f'process {rank} does not see {self.folder}: all machines must share the folder that '
                'predictions are written to'
            )
        self.read()
        path = self.folder / f'{rank}.jsonl'
        if path.exists():  # a line that a kill cut off goes
            content = path.read_bytes()
            if not content.endswith(b'\n'):
                path.write_bytes(content[: content.rfind(b'\n') + 1])
        self._file = path.open('a', encoding='utf-8')

    def read(self) -> None:
        """Finds the lines of all processes."""
        self._places.clear()
        for path in sorted(self.folder.glob('*.jsonl')):
            with path.open('rb') as file:
                start = 0
                for line in file:
                    if line.endswith(b'\n'):
                        content = json.loads(line)
                        self._places[content['path'] or content['name'], content['frame']] = path, start
                    start += len(line)

    def __contains__(self, key: Key) -> bool:
        return key in self._places

    def __len__(self) -> int:
        return len(self._places)

    def add(self, done: Record | Unreadable) -> None:
        """Notes a picture that is done."""
        if isinstance(done, Unreadable):
            item = done.item
            content = dict(name=item.name, path=item.path, frame=item.frame, unreadable=done.reason)
        else:
            content = done.as_dict()
        self._file.write(json.dumps(content) + '\n')
        self._file.flush()

    def close(self) -> None:
        """Closes this process's file."""
        if self._file is not None:
            self._file.close()

    def records(self, sources: list[Item]) -> Iterator[Record | Unreadable]:
        """What is done, in the order of the sources, frames by number; read from disk one by one."""
        by_path: dict[str, list[int | None]] = {}
        for path, frame in self._places:
            by_path.setdefault(path, []).append(frame)
        for source in sources:
            name = source.path or source.name
            for frame in sorted(
                by_path.get(name, []), key=lambda number: -1 if number is None else number
            ):
                yield self._record(source, (name, frame))

    def _record(self, source: Item, key: Key) -> Record | Unreadable:
        path, start = self._places[key]
        with path.open('rb') as file:
            file.seek(start)
            content = json.loads(file.readline())
        if 'unreadable' in content:
            return Unreadable(source, content['unreadable'])
        return Record(**content)

    def remove(self) -> None:
        """Removes the folder: all outputs are written."""
        self.close()
        shutil.rmtree(self.folder)
