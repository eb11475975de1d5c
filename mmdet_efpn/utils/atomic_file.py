"""Writing a file so that it is there whole or not at all."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def whole_or_not(path: str | Path) -> Iterator[Path]:
    """Gives a temporary path beside ``path``, and moves what is written there into place at the end.

    If the body fails, ``path`` stays as it was. Its folder is made. The temporary name has the same
    suffix, by which many libraries choose the format.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'.{path.stem}.{os.getpid()}.tmp{path.suffix}')
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text_atomically(path: str | Path, text: str) -> None:
    """Writes ``text`` in UTF-8, whole or not at all."""
    with whole_or_not(path) as temporary:
        temporary.write_text(text, encoding='utf-8')
