"""Detectors inside other models: trackers, semi-supervised pairs, distillers."""

import copy
import re
from collections.abc import Callable
from functools import partial

from mmengine.config import Config, ConfigDict

from ...utils.pretrained import pretrained_weights
from ..parts.backbone import C2_STRIDE
from ..parts.pyramid import Levels
from ..parts.widening import keep_wide
from ..probe import plain_type
from ..report import CannotExtendError, Report
from .teachers import teacher_hook
from .track_head import extend_track_head

PLACES = ('detector', 'student', 'teacher')
DETECTRON = 'Detectron2Wrapper'


def inner_detectors(model) -> tuple[str, ...]:
    """Keys of a wrapping model under which its detectors lie; none in a detector itself.

    Example:
        >>> inner_detectors(dict(type='ByteTrack', detector=dict(type='YOLOX', backbone=dict())))
        ('detector',)

    Raises:
        CannotExtendError: Its detector is another library's, or which one to extend is not clear.
    """
    if not isinstance(model, dict) or 'type' not in model or 'backbone' in model:
        return ()
    if isinstance(model['type'], str) and plain_type(model) == DETECTRON:
        raise CannotExtendError(
            f"model ({DETECTRON}) runs a detector of Detectron2, whose parts are not MMDetection's; "
            "take MMDetection's config of the same detector"
        )
    known = tuple(key for key in PLACES if _holds_detector(model.get(key)))
    if known:
        return known
    others = tuple(key for key, part in model.items() if _holds_detector(part))
    if len(others) > 1:
        raise CannotExtendError(
            f'model ({model["type"]}) has several detectors inside ({", ".join(others)}); extend the '
            "config of the one that you mean, and put its model under that one's key"
        )
    return others


def _holds_detector(part) -> bool:
    """Whether a part of a model is a detector, or wraps one."""
    if not isinstance(part, dict) or 'type' not in part:
        return False
    return 'backbone' in part or any(_holds_detector(part.get(key)) for key in PLACES)


def extend_inside(
    cfg: Config, places: tuple[str, ...], extend: Callable[[Config], tuple[Config, Report]]
) -> tuple[Config, Report]:
    """Extends the detectors inside a wrapping model, and what of the wrapper reads their levels.

    Args:
        cfg (Config): The wrapper's config. It is left alone.
        places (tuple[str, ...]): Keys of ``model`` as :func:`inner_detectors` gives them.
        extend (Callable): Extends a config whose ``model`` is the detector.

    Returns:
        tuple[Config, Report]: The extended config, and one report whose lines carry whole keys.

    Raises:
        CannotExtendError: The detector inside cannot have the level; the message names the whole key.
    """
    extended, report = copy.deepcopy(cfg), Report()
    model = ConfigDict(extended.model).to_dict()
    plain = ConfigDict(cfg.model).to_dict()
    for place in places:
        holder, preprocessor = _preprocessor(model, place)
        single = copy.deepcopy(cfg)
        single.model = dict(
            plain[place], data_preprocessor=_of_pictures(holder.get('data_preprocessor'))
        )
        keys = dict(model=f'model.{place}', preprocessor=preprocessor)
        try:
            inner, said = extend(single)
        except CannotExtendError as error:
            raise CannotExtendError(with_whole_keys(str(error), **keys)) from error
        _put_back(model, place, holder, ConfigDict(inner.model).to_dict())
        for key in ('custom_imports', 'optim_wrapper'):
            if inner.get(key) is not None:
                extended[key] = inner[key]
        report.take(said, partial(with_whole_keys, **keys))
        if said.levels is not None:
            report.levels = said.levels
            extend_track_head(model, said.levels, report)
            if model.get('track_head'):
                keep_wide(model[place], report)
            _note_weights(model[place], f'model.{place}', said.levels, report)
    extended.model = model
    teacher_hook(extended, places, report)
    return extended, report


def _note_weights(detector: dict, key: str, levels: Levels, report: Report) -> None:
    """Says so where a detector starts from weights of the plain one, whose parts have another index."""
    if levels.plain[0] > C2_STRIDE:
        for where, weights in pretrained_weights(dict(init_cfg=detector.get('init_cfg')), key):
            report.left(
                f'{where}: {weights} is the plain detector; name here what mmdet-efpn extend-weights '
                'makes of it, else parts of one level begin as those of another'
            )


def with_whole_keys(sentence: str, model: str, preprocessor: str) -> str:
    """A sentence about a detector's config keys, for the detector that lies inside another model.

    Example:
        >>> with_whole_keys('model.neck: FPN to EFPN', 'model.detector', 'model.data_preprocessor')
        'model.detector.neck: FPN to EFPN'
    """
    mark = '\0'
    sentence = sentence.replace('model.data_preprocessor', mark)
    return re.sub(r'\bmodel(?=\.\w| \()', model, sentence).replace(mark, preprocessor)


def _preprocessor(model: dict, place: str) -> tuple[dict, str]:
    """The part of a wrapper that holds the preprocessor which its detector's images come from.

    Returns:
        tuple[dict, str]: The part, whose key ``data_preprocessor`` it is, and the whole config key.
    """
    part, key = model, 'model'
    if not model.get('data_preprocessor'):
        part, key = model[place], f'model.{place}'
    # One for several branches, as of labelled and unlabelled images, has another inside.
    while isinstance((part.get('data_preprocessor') or {}).get('data_preprocessor'), dict):
        part, key = part['data_preprocessor'], f'{key}.data_preprocessor'
    return part, f'{key}.data_preprocessor'


def _of_pictures(preprocessor: dict | None) -> dict | None:
    """The same preprocessor for single pictures, as a detector outside of a tracker has it."""
    if preprocessor is None or plain_type(preprocessor) != 'TrackDataPreprocessor':
        return preprocessor
    own = {key: value for key, value in preprocessor.items() if key != 'use_det_processor'}
    return dict(own, type='DetDataPreprocessor')


def _put_back(model: dict, place: str, holder: dict, detector: dict) -> None:
    """Puts an extended detector into its wrapper, and the preprocessor to where it came from."""
    plain = model[place]
    preprocessor = detector.pop('data_preprocessor', None)
    if 'data_preprocessor' in plain:
        same = plain['data_preprocessor'] == holder.get('data_preprocessor')
        detector['data_preprocessor'] = preprocessor if same else plain['data_preprocessor']
    if holder is not plain and preprocessor is not None:
        served = holder['data_preprocessor']
        for_videos = preprocessor['type'] != served['type']
        divisor = preprocessor.get('pad_size_divisor', 1)
        holder['data_preprocessor'] = (
            dict(served, pad_size_divisor=divisor) if for_videos else preprocessor
        )
    model[place] = detector
