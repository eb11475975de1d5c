"""A bar with rate and time left; lines where there is no terminal."""

import sys
import time
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar
from rich.text import Text

SECONDS_BETWEEN_LINES = 30.0


class Progress:
    """Tells how far a prediction is, on standard error.

    Args:
        unit: What is counted, in the plural.
        shown: Show it at all.

    Used as a context; :meth:`expect` and :meth:`advance` may come from several threads.
    """

    def __init__(self, unit: str, shown: bool = True) -> None:
        self.unit, self.total, self.done = unit, 0, 0
        self._start = self._said = time.monotonic()
        self._lines = False
        self._bar: Bar | None = None
        console = Console(stderr=True)
        if shown and console.is_terminal:
            columns = (
                TextColumn('{task.description}'),
                BarColumn(),
                MofNCompleteColumn(),
                _Rate(),
                TimeRemainingColumn(),
                TextColumn('left'),
            )
            self._bar = Bar(*columns, console=console, transient=False)
            self._task: Any = self._bar.add_task(unit, total=None)
        elif shown:
            self._lines = True

    def __enter__(self) -> 'Progress':
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def expect(self, amount: int) -> None:
        """There are so many more than were known."""
        self.total += amount
        if self._bar is not None:
            self._bar.update(self._task, total=self.total)

    def advance(self) -> None:
        """One more is done."""
        self.done += 1
        if self._bar is not None:
            self._bar.advance(self._task)
        now = time.monotonic()
        if self._lines and now - self._said > SECONDS_BETWEEN_LINES:
            self._said = now
            print(self.line(now - self._start), file=sys.stderr, flush=True)

    def line(self, seconds: float) -> str:
        """How far it is after so many seconds, in words.

        >>> progress = Progress('pictures', shown=False)
        >>> progress.expect(300); progress.done = 100
        >>> progress.line(50)
        '100 of 300 pictures, 2.0 a second, 0:01:40 left'
        """
        rate = self.done / max(seconds, 1e-9)
        left = round(max(self.total - self.done, 0) / max(rate, 1e-9))
        clock = f'{left // 3600}:{left // 60 % 60:02d}:{left % 60:02d}'
        total = f' of {self.total}' if self.total else ''
        said = f'{self.done}{total} {self.unit}, {rate:.1f} a second'
        return f'{said}, {clock} left' if self.total else said


class _Rate(ProgressColumn):
    """How many a second."""

    def render(self, task: Task) -> Any:
        speed = task.finished_speed or task.speed
        return Text('' if speed is None else f'{speed:.1f}/s')
