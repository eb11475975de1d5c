"""Tells which format a data set is in, or what was seen of it."""

from collections import Counter
from pathlib import Path

from ...utils.errors import MissingFileError, UserError
from .convert import READERS, reader_of

SHOWN = 6


def recognise(source: str | Path) -> tuple[str, str]:
    """The format of a data set, one of ``READERS``, and what shows it.

    Formats of published data sets are tried first, for some of them are COCO's or VOC's too.

    Raises:
        MissingFileError: There is no such folder or file.
        UserError: No format fits, or several of those that labelling tools write; says what was seen.
    """
    source = Path(source)
    if not source.exists():
        raise MissingFileError(f'{source} does not exist: name the folder of the data set')
    general: dict[str, str] = {}
    for name, module in READERS.items():
        seen = _seen(name, source)
        if seen and module.startswith('field.'):
            return name, seen
        if seen:
            general[name] = seen
    if len(general) == 1:
        return general.popitem()
    if general:
        fits = '; '.join(f'{name}: {seen}' for name, seen in general.items())
        raise UserError(f'{source} fits several formats ({fits}). Name one instead of auto')
    raise UserError(
        f'{source} is in no format that is known. Seen: {describe(source)}. '
        f"Known formats: {', '.join(READERS)}; each one's --help says what it needs"
    )


def _seen(name: str, source: Path) -> str:
    """What shows a format; a damaged file shows nothing."""
    try:
        return reader_of(name).recognise(source)
    except UserError:
        return ''


def describe(source: Path) -> str:
    """What lies in a folder: its entries and how many files of each kind there are."""
    if source.is_file():
        return f'a file {source.name}'
    entries = sorted(source.iterdir())
    if not entries:
        return 'an empty folder'
    names = [path.name + ('/' if path.is_dir() else '') for path in entries[:SHOWN]]
    kinds = Counter(path.suffix.lower() or 'no suffix' for path in source.rglob('*') if path.is_file())
    more = f' and {len(entries) - SHOWN} more' if len(entries) > SHOWN else ''
    files = ', '.join(f'{count} {kind}' for kind, count in kinds.most_common(SHOWN)) or 'no file'
    return f'{", ".join(names)}{more}; files: {files}'
