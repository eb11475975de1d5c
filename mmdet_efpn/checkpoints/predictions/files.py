"""Files of predictions: JSON, npz, and pickles that are read as data."""

import importlib
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.structures import BaseDataElement

from ...utils.errors import MissingFileError, UserError
from ...utils.safe_pickle import SafeUnpickler, UnsafePickleError
from .open_formats import read_json, read_npz, write_json, write_npz

_STRUCTURES = {
    'mmengine.structures.base_data_element': 'BaseDataElement',
    'mmengine.structures.instance_data': 'InstanceData',
    'mmengine.structures.label_data': 'LabelData',
    'mmengine.structures.pixel_data': 'PixelData',
    'mmdet.structures.det_data_sample': 'DetDataSample',
    'mmdet.structures.track_data_sample': 'TrackDataSample',
    'mmdet.structures.bbox.horizontal_boxes': 'HorizontalBoxes',
    'mmdet.structures.mask.structures': 'BitmapMasks PolygonMasks',
}


def read_predictions(path: str | Path) -> list[dict]:
    """Reads predictions that ``mmdet-efpn test --out`` or MMDetection's ``test.py --out`` wrote.

    Args:
        path (str | Path): JSON or npz as :func:`write_predictions` writes them; with any other name a
            pickle of one entry for each image: dicts or ``DetDataSample``.

    Returns:
        list[dict]: For each image its ``img_id``, ``pred_instances`` and the like.

    Raises:
        MissingFileError: There is no such file.
        UnsafePickleError: It names something that is no prediction; nothing of it was run.
        UserError: It is damaged, or no list of predictions.
    """
    if not Path(path).is_file():
        raise MissingFileError(f'predictions not found: {path} (looked from {Path.cwd()})')
    if (read := _READERS.get(Path(path).suffix)) is not None:
        return _checked(read(path), path)
    try:
        with Path(path).open('rb') as file:
            found = SafeUnpickler(file, _structures()).load()
    except UnsafePickleError as error:
        raise UnsafePickleError(
            f'{path} is no file of predictions alone: {error}; nothing of it was run'
        ) from None
    except Exception as error:
        # Whatever pickle says of bytes that are not what it expects.
        said = str(error) or type(error).__name__
        raise UserError(f'{path} is damaged or no file of predictions: {said}') from error
    return _checked(found, path)


def write_predictions(predictions: Sequence[dict], path: str | Path) -> None:
    """Writes predictions.

    Args:
        predictions (Sequence[dict]): For each image ``img_id``, ``pred_instances`` and the like.
        path (str | Path): The file, which is written over. ``.json`` and ``.npz`` are read by any
            program; ``.pkl`` is MMDetection's.

    Raises:
        UserError: They hold what the format has no word for.
    """
    write = _WRITERS.get(Path(path).suffix)
    if write is not None:
        return write(predictions, path)
    Path(path).write_bytes(pickle.dumps(list(predictions)))


_READERS = {'.json': read_json, '.npz': read_npz}
_WRITERS = {'.json': write_json, '.npz': write_npz}


def _checked(found: Any, path: str | Path) -> list[dict]:
    """What was read, if it is a list with a dict for each image."""
    if isinstance(found, (list, tuple)):
        found = [entry.to_dict() if isinstance(entry, BaseDataElement) else entry for entry in found]
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise UserError(f'{path} is no file of predictions, which is a list with a dict for each image')
    return found


def _structures() -> dict[str, Any]:
    names = {}
    for module, classes in _STRUCTURES.items():
        home = importlib.import_module(module)
        names.update({f'{module}.{name}': getattr(home, name) for name in classes.split()})
    return names
