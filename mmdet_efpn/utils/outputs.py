"""Places to write to: nothing that is there is lost without being asked for."""

from pathlib import Path

from .errors import ExistingFileError, MissingFileError


def refuse_existing(path: str | Path, overwrite: bool = False) -> None:
    """Raises an error if a file is there already; its folder is made.

    Args:
        path: The file that will be written.
        overwrite: Whether it may be replaced.

    Raises:
        ExistingFileError: It exists, and may not be replaced or is a folder.
        MissingFileError: Its folder cannot be made, for a file of that name is in the way.
    """
    path = Path(path)
    if path.is_dir():
        raise ExistingFileError(f'{path} is a folder; name a file')
    if path.exists() and not overwrite:
        raise ExistingFileError(f'{path} exists; --overwrite replaces it')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise MissingFileError(f'{path.parent} cannot be made a folder: a file is in the way') from error
