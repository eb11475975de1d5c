"""Predictions as JSON or npz: files that any program can read, and that hold no program."""

import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...utils.errors import UserError

SUFFIXES = ('.pkl', '.pickle', '.json', '.npz')
_TENSOR = '__array__'  # stands for an array in the text of an npz file
_RECORD = 'predictions'
_KINDS = dict(bboxes=torch.float32, scores=torch.float32, labels=torch.int64)


def check_suffix(path: str | Path, option: str = '--out') -> None:
    """Raises a :class:`UserError` for a name that does not end like a file of predictions."""
    if Path(path).suffix not in SUFFIXES:
        raise UserError(f'{option} must end in {", ".join(SUFFIXES)}, got {path}')


def write_json(predictions: Sequence[Mapping], path: str | Path) -> None:
    """Writes a list with an object for each image; arrays become lists.

    Args:
        predictions (Sequence[Mapping]): For each image ``img_id``, ``pred_instances`` and the like.
        path (str | Path): The file, which is written over.

    Raises:
        UserError: One holds what JSON has no word for.
    """
    text = json.dumps([_plain(dict(entry), str(i), _as_list) for i, entry in enumerate(predictions)])
    Path(path).write_text(text, encoding='utf-8')


def write_npz(predictions: Sequence[Mapping], path: str | Path) -> None:
    """Writes arrays as they are, and all else as JSON in the array ``predictions``.

    Args:
        predictions (Sequence[Mapping]): As in :func:`write_json`.
        path (str | Path): The file, which is written over.

    Raises:
        UserError: One holds what neither has a word for.
    """
    arrays: dict[str, Any] = {}

    def keep(array: np.ndarray) -> dict[str, str]:
        name = f'array_{len(arrays)}'
        arrays[name] = array
        return {_TENSOR: name}

    text = json.dumps([_plain(dict(entry), str(i), keep) for i, entry in enumerate(predictions)])
    arrays[_RECORD] = np.frombuffer(text.encode(), dtype=np.uint8)
    with Path(path).open('wb') as file:
        np.savez(file, **arrays)


def read_json(path: str | Path) -> Any:
    """What :func:`write_json` wrote, with the numbers of instances as tensors.

    Raises:
        UserError: It is no JSON.
    """
    try:
        found = json.loads(Path(path).read_text(encoding='utf-8'))
    except (ValueError, RecursionError) as error:
        raise UserError(f'{path} is damaged or no JSON: {_first_line(error)}') from error
    for entry in found if isinstance(found, list) else ():
        parts = entry.items() if isinstance(entry, dict) else ()
        for part in [part for _, part in parts if isinstance(part, dict) and 'labels' in part]:
            _as_tensors(part, path)
    return found


def read_npz(path: str | Path) -> Any:
    """What :func:`write_npz` wrote, with arrays as tensors. Arrays of objects are not read.

    Raises:
        UserError: It is damaged, or no file of predictions.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        text = arrays[_RECORD].tobytes().decode()
        return json.loads(text, object_hook=lambda found: _array_of(found, arrays))
    except (ValueError, KeyError, OSError, EOFError, RecursionError, zipfile.BadZipFile) as error:
        raise UserError(f'{path} is damaged or no file of predictions: {_first_line(error)}') from error


def _array_of(found: dict, arrays: Mapping[str, np.ndarray]) -> Any:
    return torch.from_numpy(arrays[found[_TENSOR]]) if _TENSOR in found else found


def _as_tensors(instances: dict, path: str | Path) -> None:
    """Makes tensors of boxes, scores and labels of one image's instances; all else stays."""
    for name in _KINDS.keys() & instances.keys():
        try:
            table = torch.tensor(instances[name], dtype=_KINDS[name])
            instances[name] = table.reshape(-1, 4) if name == 'bboxes' else table.reshape(-1)
        except (ValueError, TypeError, RuntimeError) as error:
            raise UserError(f'{path}: {name} of an image is no table of numbers: {error}') from error


def _as_list(array: np.ndarray) -> Any:
    return array.tolist()


def _plain(value: Any, where: str, array: Any) -> Any:
    """A value in JSON's words, arrays by ``array``."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray) and value.dtype.kind in 'biuf':
        return array(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {str(name): _plain(part, f'{where}.{name}', array) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part, f'{where}.{i}', array) for i, part in enumerate(value)]
    if isinstance(value, bytes):  # a run-length mask
        return value.decode('ascii')
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise UserError(f'predictions of image {where}: a {type(value).__name__} fits only a .pkl file')


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
