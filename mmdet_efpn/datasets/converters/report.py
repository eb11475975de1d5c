"""Collects damaged files during a conversion, so that one message can name them all."""

from collections import Counter
from pathlib import Path

from ...utils.errors import MissingFileError, UserError


class BadFiles:
    """Missing and damaged files met by a converter.

    Args:
        skip: Count them and go on; otherwise :meth:`raise_if_any` turns them into one error.
        shown: How many to name in a message.
    """

    def __init__(self, skip: bool = False, shown: int = 5) -> None:
        self.skip = skip
        self.shown = shown
        self.counts: Counter = Counter()
        self.messages: list[str] = []

    def add(self, cause: str, path: str | Path, detail: str = '') -> None:
        """Note one file; ``cause`` is a short word such as ``'missing image'``."""
        self.counts[cause] += 1
        self.messages.append(f'{cause}: {path}' + (f' ({detail})' if detail else ''))

    def merge(self, other: 'BadFiles') -> None:
        """Add the files that ``other`` noted."""
        self.counts.update(other.counts)
        self.messages.extend(other.messages)

    def summary(self) -> str:
        """One line a cause and the first few files, or an empty string when nothing is wrong."""
        if not self.messages:
            return ''
        causes = ', '.join(f'{cause}: {count}' for cause, count in self.counts.items())
        lines = [causes, *('  ' + message for message in self.messages[: self.shown])]
        if len(self.messages) > self.shown:
            lines.append(f'  ... and {len(self.messages) - self.shown} more')
        return '\n'.join(lines)

    def raise_if_any(self) -> None:
        """Stop the conversion if there are bad files and they aren't to be skipped.

        Raises:
            MissingFileError: Files are missing and none is damaged.
            UserError: At least one file is damaged.
        """
        if self.skip or not self.messages:
            return
        only_missing = all(cause.startswith('missing') for cause in self.counts)
        error = MissingFileError if only_missing else UserError
        raise error(
            f'nothing was written because of bad files '
            f'(skip_bad / --skip-bad leaves them out)\n{self.summary()}'
        )
