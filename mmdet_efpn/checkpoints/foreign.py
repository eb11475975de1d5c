"""Weights of other programs: read safely, recognised by their names, and called as they are here."""

from pathlib import Path

from torch import Tensor

from ..utils.errors import UserError
from .key_maps import KEY_MAPS, KeyMap, Renaming, apply_key_map, recognise
from .names import state_dict_of, without_wrappers
from .safe_load import read_checkpoint


def read_foreign(
    checkpoint: str | Path, source: str | None = None
) -> tuple[dict[str, Tensor], Renaming]:
    """Reads another program's weights under the names that MMDetection and this package use.

    Args:
        checkpoint (str | Path): The file: torch's, or a pickle of named arrays, under ``model``,
            ``blobs`` or the like or bare. What data parallel modules put into names is taken off.
        source (str, optional): Whose names they are, one of ``KEY_MAPS``. Default: the source whose
            signature the names have.

    Returns:
        tuple: The state dict under our names, and what the table did.

    Raises:
        MissingFileError, DamagedFileError, UnsafePickleError: The file is no file of weights.
        UserError: There is no such source, or the names are not the source's.
    """
    weights, _ = without_wrappers(state_dict_of(read_checkpoint(checkpoint)))
    return apply_key_map(weights, _key_map(weights, source, str(checkpoint)))


def _key_map(weights: dict[str, Tensor], source: str | None, checkpoint: str) -> KeyMap:
    """The table for a file's names."""
    if source is not None and source not in [key_map.source for key_map in KEY_MAPS]:
        known = ', '.join(key_map.source for key_map in KEY_MAPS)
        raise UserError(f'--source must be one of {known}, got {source!r}')
    tables = [key_map for key_map in KEY_MAPS if source in (None, key_map.source)]
    found = recognise(weights, tables)
    if found is None:
        whose = f'source {source!r} has' if source else 'any known source has'
        some = ', '.join(list(weights)[:3]) or 'no weights'
        raise UserError(f'{checkpoint} does not have the names that {whose}: it has {some}')
    return found
