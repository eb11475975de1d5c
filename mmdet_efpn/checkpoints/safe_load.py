"""The one place that opens a file of weights, and runs nothing that the file may hold.

MMEngine's own reader opens a checkpoint with everything in it where torch refuses to read it as weights
only; a checkpoint is a pickle, and so a program of whoever made it. This reader never does.
"""

import argparse
import contextlib
import io
import pickle
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import numpy as np
import torch
from mmengine.dist import barrier, get_rank
from mmengine.fileio import get as read_bytes
from mmengine.logging import HistoryBuffer
from mmengine.runner.checkpoint import CheckpointLoader

from ..utils.arrays import as_tensor
from ..utils.errors import MissingFileError, UserError
from ..utils.safe_pickle import SafeUnpickler, UnsafePickleError, allowed_names, pickle_module

STATISTICS = ('min', 'max', 'mean', 'current')
# How torch's own files begin, of before its zip archives: a pickle of this number, under any protocol.
TORCH_MAGIC = torch.serialization.MAGIC_NUMBER.to_bytes(10, 'little')
REMEDY = 'nothing of it was run; ask for its weights alone, or save them where you trust the file'


def _takes_aliases() -> bool:
    """Whether torch.load(weights_only=True) can be told what stands for a name; tried, not looked up."""
    file = io.BytesIO()
    torch.save(slice(1), file)
    file.seek(0)
    try:
        with torch.serialization.safe_globals([(slice, 'builtins.slice')]):
            return torch.load(file, weights_only=True) == slice(1)
    except (AttributeError, TypeError, ValueError, pickle.UnpicklingError):
        return False


HAS_ALIASES = _takes_aliases()  # from torch 2.6 on; before, our own unpickler reads


class DamagedFileError(UserError):
    """A file of weights is cut off or was never one."""


def statistic(owner: Any, name: str) -> Any:
    """What stands for ``getattr`` in a checkpoint: one of the log's statistics."""
    if owner is not HistoryBuffer or name not in STATISTICS:
        raise UnsafePickleError(f'the pickle reads the attribute {name!r} of {owner!r}')
    return getattr(HistoryBuffer, name)


def checkpoint_names() -> dict[str, Any]:
    """What a training's checkpoint names beside tensors and arrays."""
    home = 'mmengine.logging.history_buffer.HistoryBuffer'
    # A log's buffer comes with its statistics: the default ones, and those that were registered here.
    registered = HistoryBuffer._statistics_methods.values()
    return {
        'builtins.getattr': statistic,
        home: HistoryBuffer,
        **{f'{home}.{name}': getattr(HistoryBuffer, name) for name in STATISTICS},
        **{f'{function.__module__}.{function.__qualname__}': function for function in registered},
        # A part of a config is a dict; mmengine's own class would import what a lazy config names.
        'mmengine.config.config.ConfigDict': dict,
        'addict.addict.Dict': dict,
        'argparse.Namespace': argparse.Namespace,
    }


def read_checkpoint(checkpoint: str | Path, map_location: Any = 'cpu') -> dict:
    """Reads a checkpoint of MMEngine, named weights or safetensors, without running anything in it.

    A plain pickle of named arrays, as Detectron, detectron2 and Python 2 wrote them, is read too; its
    arrays of numbers come as tensors.

    Args:
        checkpoint (str | Path): A file, or an address that MMEngine knows.
        map_location: As in ``torch.load``.

    Returns:
        dict: What the file holds.

    Raises:
        MissingFileError: There is no such file.
        DamagedFileError: It is cut off, or no file of weights.
        UnsafePickleError: It holds more than weights and a training's state; the message names what.
    """
    loaded = CheckpointLoader.load_checkpoint(str(checkpoint), map_location, logger='silent')
    if not isinstance(loaded, dict):
        raise DamagedFileError(f'{checkpoint} holds a {type(loaded).__name__}, not named weights')
    return loaded


def replace_mmengines_readers() -> None:
    """From now on MMEngine reads checkpoints from files, addresses and object stores by this module.

    So do a runner's ``load_from`` and ``resume``, ``init_cfg``, and MMDetection's own tools where a
    config imports this package. Published weights that are known by a name (``torchvision://``,
    ``open-mmlab://``) come from addresses fixed in MMEngine, as they did.
    """
    CheckpointLoader.register_scheme('', load_from_local, force=True)
    CheckpointLoader.register_scheme(('http://', 'https://'), load_from_http, force=True)
    CheckpointLoader.register_scheme(
        (r'(\S+\:)?s3://', r'(\S+\:)?petrel://'), load_from_ceph, force=True
    )


def load_from_local(filename: str, map_location: Any = None) -> Any:
    """Reads a local file."""
    path = Path(filename).expanduser()
    if not path.is_file():
        raise MissingFileError(f'checkpoint not found: {filename} (looked from {Path.cwd()})')
    if path.suffix == '.safetensors':
        return _read_safetensors(path, map_location)
    if tarfile.is_tarfile(path):
        raise DamagedFileError(f'{path} has the format of torch before 0.4, a tar archive')
    return _read(str(path), lambda **how: torch.load(path, map_location, **how), path.open)


def _read_safetensors(path: Path, map_location: Any) -> dict[str, torch.Tensor]:
    """Named tensors of a format that holds nothing else."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    device = map_location if isinstance(map_location, (str, torch.device)) else 'cpu'
    try:
        return load_file(path, device=str(device))
    except (SafetensorError, ValueError, OSError) as error:
        raise DamagedFileError(f'{path} is damaged or no safetensors file: {error}') from error


def load_from_http(filename: str, map_location: Any = None) -> Any:
    """Downloads a file, unless torch's cache has it, and reads it."""
    path = Path(torch.hub.get_dir()) / 'checkpoints' / Path(urlparse(filename).path).name
    if get_rank() == 0 and not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(filename, str(path), progress=False)
    barrier()
    return load_from_local(str(path), map_location)


def load_from_ceph(filename: str, map_location: Any = None) -> Any:
    """Reads an object of an S3 store."""
    data = read_bytes(filename, backend_args=dict(backend='petrel'))
    return _read(
        filename,
        lambda **how: torch.load(io.BytesIO(data), map_location, **how),
        lambda mode: io.BytesIO(data),
    )


def _read(name: str, load: Callable, opened: Callable) -> Any:
    """Calls ``load`` with what makes it safe, and says what is wrong with a file that cannot be read."""
    if _is_program(opened):
        raise UnsafePickleError(f'{name} is a compiled program (TorchScript), not weights')
    try:
        if _is_plain_pickle(opened):
            with opened('rb') as file:
                # latin1 brings the bytes of Python 2 over as they are
                return _as_tensors(SafeUnpickler(file, encoding='latin1').load())
        if HAS_ALIASES:
            with contextlib.suppress(pickle.UnpicklingError):  # then the other reader names the fault
                return _load_by_torch(load)
        return load(weights_only=False, pickle_module=pickle_module(checkpoint_names()))
    except UnsafePickleError as error:
        raise UnsafePickleError(f'{name} is no file of weights alone: {error}; {REMEDY}') from None
    except torch.cuda.OutOfMemoryError:
        raise
    except Exception as error:
        # Whatever torch, zip or pickle say of bytes that are not what they expect.
        raise DamagedFileError(
            f'{name} is damaged or no file of weights: {_first_line(error)}'
        ) from error


def _load_by_torch(load: Callable) -> Any:
    names = {**allowed_names(), **checkpoint_names()}
    with torch.serialization.safe_globals([(value, name) for name, value in names.items()]):
        return load(weights_only=True)


def _is_program(opened: Callable) -> bool:
    with opened('rb') as file:
        if not zipfile.is_zipfile(file):
            return False
        names = zipfile.ZipFile(file).namelist()
    return any(name.endswith('/constants.pkl') for name in names)


def _is_plain_pickle(opened: Callable) -> bool:
    """Whether a file is a pickle that torch did not write."""
    with opened('rb') as file:
        start = file.read(64)
        file.seek(0)
        if zipfile.is_zipfile(file) or TORCH_MAGIC in start:
            return False
    # a protocol's number, or of protocols 0 and 1 a dict's beginning
    return start.startswith((pickle.PROTO, b'(d', b'(i', b'}q', b'ccollections'))


def _as_tensors(found: Any) -> Any:
    """The same dicts with arrays of numbers as tensors."""
    if isinstance(found, Mapping):
        return {name: _as_tensors(value) for name, value in found.items()}
    tensor = as_tensor(found) if isinstance(found, np.ndarray) else None
    return found if tensor is None else tensor


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
