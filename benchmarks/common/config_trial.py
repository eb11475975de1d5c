"""One config through all that the sweep asks: read, extended, written, trained a step, saved, loaded."""

import hashlib
import io
import json
import logging
import tempfile
import warnings
from pathlib import Path

import torch
from mmengine.config import Config

from mmdet_efpn.evaluation.cost import build_on_meta
from mmdet_efpn.extend import at_first_size, build_detector, try_detector, write_extended_config
from mmdet_efpn.extend.check.sample import fewest_classes
from mmdet_efpn.utils.errors import UserError

from .wrapper_trial import build_wrapper, predict, try_wrapper

TRAINED, NOT_HERE, REFUSED, NOT_LOADED, FAILED = (
    'trained',
    'not run here',
    'refused',
    'does not load',
    'failed',
)


def fingerprint(path: str) -> str:
    """Of what a config's trial hangs on: its model, its optimiser and whether it loads."""
    try:
        cfg = Config.fromfile(path)
        parts = [cfg.get('model'), cfg.get('optim_wrapper')]
        text = json.dumps(_plain(parts), sort_keys=True, default=str)
    except BaseException:
        # Some files exit or raise what they like; each is tried by itself.
        text = path
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value):
    """A config's part without the names of weights, which a trial does not load."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items() if k not in ('init_cfg', 'pretrained')}
    return [_plain(v) for v in value] if isinstance(value, (list, tuple)) else value


def quiet() -> None:
    """For a worker: keeps its log free of what modules say, and itself to one thread."""
    warnings.simplefilter('ignore')
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)


def try_config(path: str) -> dict:
    """Extends a config and runs the result.

    Args:
        path (str): A config file.

    Returns:
        dict: ``status``, one of the five above; ``reason``, a sentence, empty where it trained;
        ``kind``, the detector's type; ``strides`` of the extended levels.
    """
    row = dict(status=NOT_LOADED, reason='', kind='', strides='')
    try:
        cfg = Config.fromfile(path)
    except BaseException as error:
        # As above: what a file does when it is read is the result.
        return dict(row, reason=_sentence(error))
    model = cfg.get('model')
    kind = model.get('type', '') if isinstance(model, dict) else ''
    row['kind'] = kind if isinstance(kind, str) else kind.__name__
    with tempfile.TemporaryDirectory() as folder:
        try:
            out = Path(folder) / 'extended.py'
            report = write_extended_config(path, out)
            extended = Config.fromfile(out)
        except UserError as error:
            return dict(row, status=REFUSED, reason=str(error))
        except Exception as error:
            # A crash is what the sweep looks for.
            return dict(row, status=FAILED, reason=_sentence(error))
    unchecked = [said for said in report.kept if said.startswith('not checked')]
    try:
        _train_save_load(extended.model)
        row['strides'] = ' '.join(map(str, report.levels.extended if report.levels else ()))
    except Exception as error:
        # As above.
        said = _sentence(error)
        if unchecked:
            return dict(row, status=NOT_HERE, reason=unchecked[0])
        plain_said = _what_plain_says(cfg.model)
        if plain_said == said:
            return dict(
                row, status=NOT_HERE, reason=f'the plain model does not run here either ({said})'
            )
        return dict(row, status=FAILED, reason=said)
    return dict(row, status=TRAINED)


def _train_save_load(model_cfg: dict) -> None:
    """Lets a detector train a step and predict, and saves and loads it."""
    if 'detector' in model_cfg or str(model_cfg['type']).endswith('Mask2FormerVideo'):
        _try_around(model_cfg)
        return

    def trained(image_size: tuple[int, int]) -> torch.nn.Module:
        model = build_detector(model_cfg)
        try_detector(model, image_size)
        return model

    _save_and_load(at_first_size(trained), build_on_meta(model_cfg))


def _what_plain_says(model_cfg: dict) -> str | None:
    """The error of a plain tracker or semi-supervised pair, as :func:`try_config` words it."""
    if 'detector' not in model_cfg:
        return None
    try:
        predict(build_wrapper(model_cfg), fewest_classes(model_cfg))
    except Exception as error:
        # What a model says that needs what is not here.
        return _sentence(error)
    return None


def _try_around(model_cfg: dict) -> None:
    """The same for a tracker or a semi-supervised pair."""
    model = build_wrapper(model_cfg)
    _, unchanged = try_wrapper(model, fewest_classes(model_cfg))
    unchanged = [name for name in unchanged if not name.startswith('teacher.')]
    if unchanged:
        raise RuntimeError(f'a training step leaves {len(unchanged)} weights as they were')
    _save_and_load(model, build_wrapper(model_cfg))


def _save_and_load(model: torch.nn.Module, again: torch.nn.Module) -> None:
    saved = io.BytesIO()
    torch.save(model.state_dict(), saved)
    saved.seek(0)
    # Not strictly: DDQ's decoder takes over its detector's branches as it runs, and saves them twice.
    missing, _ = again.load_state_dict(torch.load(saved, weights_only=True), strict=False, assign=True)
    if missing:
        raise RuntimeError(f'{len(missing)} weights are not in what was saved, among them {missing[0]}')


def _sentence(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or ['']
    return f'{type(error).__name__}: {lines[0]}'
