"""Files of predictions: pickles that are read as data."""

import importlib
from pathlib import Path
from typing import Any

from mmengine.structures import BaseDataElement

from ..utils.errors import MissingFileError, UserError
from ..utils.safe_pickle import SafeUnpickler, UnsafePickleError

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
        path (str | Path): A pickle of one entry for each image: dicts or ``DetDataSample``.

    Returns:
        list[dict]: For each image its ``img_id``, ``pred_instances`` and the like.

    Raises:
        MissingFileError: There is no such file.
        UnsafePickleError: It names something that is no prediction; nothing of it was run.
        UserError: It is damaged, or no list of predictions.
    """
    if not Path(path).is_file():
        raise MissingFileError(f'predictions not found: {path} (looked from {Path.cwd()})')
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
