"""Weights of other programs: read safely, recognised by their names, and called as they are here."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from ..utils.errors import UserError
from .key_maps import KEY_MAPS, KeyMap, Renaming, apply_key_map, recognise
from .names import choose_weights, state_dict_of, without_wrappers
from .safe_load import read_checkpoint
from .transfer import nearest_names

OWN = 'mmdetection'  # the source whose names need no table
SOURCES = tuple(dict.fromkeys((OWN, *(key_map.source for key_map in KEY_MAPS))))
# What a wrapper that holds the detector as an attribute puts in front of every name.
_PREFIXES = ('', 'model.', 'detector.', 'net.', 'ema_model.', 'ema.')


@dataclass
class Foreign:
    """Another program's weights, and what was done to them.

    Attributes:
        weights: Under our names.
        renaming: What the table did.
        used: Which weights of the file they are, in words.
        unwrapped: What was taken off names, and of how many.
        preprocessor: What they expect of an image, as arguments of a ``data_preprocessor``.
    """

    weights: dict[str, Tensor]
    renaming: Renaming
    used: str = ''
    unwrapped: dict[str, int] = field(default_factory=dict)
    preprocessor: dict[str, Any] = field(default_factory=dict)


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
    foreign = foreign_weights(read_checkpoint(checkpoint), str(checkpoint), source)
    if foreign is None:
        raise UserError(f'{checkpoint} does not have the names that any other program gives its weights')
    return foreign.weights, foreign.renaming


def foreign_weights(
    checkpoint: dict, name: str, source: str | None = None, use: str | None = None
) -> Foreign | None:
    """The weights of a checkpoint of another program under our names.

    Args:
        checkpoint (dict): As :func:`read_checkpoint` gives it.
        name (str): What messages call it.
        source (str, optional): As in :func:`read_foreign`; ``'mmdetection'``: names are ours.
        use (str, optional): As in :func:`choose_weights`.

    Returns:
        Foreign: Or ``None``: the names are of no other program that a table knows.

    Raises:
        UserError: There is no such source or set of weights, or the names are not the source's.
    """
    if source is not None and source not in SOURCES:
        raise UserError(f'--source must be one of {", ".join(SOURCES)}, got {source!r}')
    if source == OWN:
        return None
    weights, used = choose_weights(checkpoint, use)
    tables = [key_map for key_map in KEY_MAPS if source in (None, key_map.source)]
    for prefix in _PREFIXES:
        bare = {key.removeprefix(prefix): w for key, w in weights.items() if key.startswith(prefix)}
        key_map = recognise(bare, tables)
        if key_map is not None:
            break
    else:
        if source is None:
            return None
        raise _not_of(source, list(weights), name, tables)
    unwrapped = without_wrappers(state_dict_of(checkpoint))[1]
    if prefix:
        unwrapped[prefix] = len(bare)
    ours, renaming = apply_key_map(bare, key_map)
    return Foreign(ours, renaming, used, unwrapped, _preprocessor(key_map, bare))


def _preprocessor(key_map: KeyMap, weights: dict[str, Tensor]) -> dict[str, Any]:
    """What the table says of pixels; what the file says itself counts more."""
    found = dict(key_map.preprocessor)
    for name, key in (('pixel_mean', 'mean'), ('pixel_std', 'std')):
        if found and name in weights:
            found[key] = [round(value, 4) for value in weights[name].flatten().tolist()]
    return found


def _not_of(source: str, names: list[str], checkpoint: str, tables: list[KeyMap]) -> UserError:
    """The error for a file without the names that its source should have."""
    wanted = [pattern.replace('\\', '') for table in tables for pattern in table.signature]
    theirs, ours = nearest_names(names, wanted)
    return UserError(
        f'{checkpoint} does not have the names that source {source!r} has. It has, among others, '
        f"{theirs}; the nearest of that source's are {ours}"
    )
