"""A detector for predictions, from a config and a checkpoint, a packed model, or a name."""

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import torch
from mmdet.apis import DetInferencer
from mmengine.config import Config
from mmengine.device import get_device
from torch import nn

from .. import engine
from ..checkpoints import is_packed_name, read_packed, require_checkpoint
from ..model_zoo import resolve_model
from ..utils.amp_types import AMP_TYPES
from ..utils.errors import UserError
from ..utils.read_config import read_config
from ..visualization import load_detector

_CONFIG_SUFFIXES = ('.py', '.json', '.yml', '.yaml')


def find_model(model: str | Path | Config | None, weights: str | Path | None) -> tuple[Config, str]:
    """The config and the weights that are meant.

    Args:
        model: A config, its file or ``package::path``; a packed model (``mmdet-efpn pack``), which needs
            no ``weights``; the name of a model of :mod:`mmdet_efpn.model_zoo`; or that of a model in
            MMDetection's metafiles.
        weights: The checkpoint; ``model`` may be ``None`` if it is a packed one.

    Raises:
        UserError: One of them is missing, or the file is no packed model.
    """
    if isinstance(model, str) and weights is None:
        model = resolve_model(model)
    if model is None or (isinstance(model, (str, Path)) and is_packed_name(model)):
        if model is not None and weights is not None:
            raise UserError(f'{model} is a file of weights, and {weights} too: name the config first')
        packed = weights if model is None else model
        if packed is None:
            raise UserError('name a config and its weights, or a packed model')
        require_checkpoint(packed)
        return read_packed(packed).config, str(packed)
    if isinstance(model, (str, Path)):
        cfg, default = _read(str(model))
        weights = default if weights is None else weights
    else:
        cfg = Config(dict(model)) if not isinstance(model, Config) else model.copy()
    if weights is None:
        raise UserError(f"{model}: its weights are missing; an untrained detector's boxes are chance")
    require_checkpoint(weights)
    if 'model' not in cfg:
        raise UserError(f'{model} is no detector config: it has no "model"')
    return cfg, str(weights)


def build_predictor(
    cfg: Config, weights: str, device: str | None, amp: str | None, tta: bool
) -> tuple[nn.Module, Callable[[], AbstractContextManager]]:
    """The detector, in evaluation mode on its device, and the context to run it in.

    Args:
        cfg: Its config; changed in place by ``tta``.
        weights: Its checkpoint.
        device: Where it runs. Default: a GPU where there is one.
        amp: ``'bfloat16'`` or ``'float16'``: the type of autocast. Boxes, NMS and RoI
            pooling stay in float32.
        tta: Test-time augmentation.

    Raises:
        UserError: The weights do not fit the model, there is no such device or type.
    """
    device = _checked_device(device)
    if amp not in (None, *AMP_TYPES):
        raise UserError(f'amp must be one of {", ".join(AMP_TYPES)}, got {amp}')
    kind = device.partition(':')[0]
    if amp == 'float16' and kind == 'cpu':
        raise UserError('autocast on the CPU computes in bfloat16, not float16: take bfloat16')
    if tta:
        engine.augment_test(cfg)
    model = load_detector(cfg, weights, device)
    if amp is None:
        return model, contextlib.nullcontext
    engine.keep_boxes_in_float32(model, kind)

    @contextlib.contextmanager
    def autocast():
        with engine.readable_inputs(), torch.autocast(kind, dtype=getattr(torch, amp)):
            yield

    return model, autocast


def _checked_device(device: str | None) -> str:
    if device is None:
        return get_device()
    try:
        kind = torch.device(device)
    except RuntimeError as error:
        raise UserError(f'no such device: {device} ({str(error).splitlines()[0]})') from None
    if kind.type == 'cuda' and (kind.index or 0) >= torch.cuda.device_count():
        raise UserError(f'no such device: {device}; torch finds {torch.cuda.device_count()} GPUs')
    return device


def _read(name: str) -> tuple[Config, str | None]:
    """A config by its file, or by a model's name, which brings its weights' address."""
    path = Path(name)
    if '::' in name or path.suffix.lower() in _CONFIG_SUFFIXES or path.is_file():
        return read_config(name), None
    try:
        finder = DetInferencer.__new__(DetInferencer)
        finder.scope = 'mmdet'
        return finder._load_model_from_metafile(name)
    except ValueError:
        raise UserError(
            f"{name} is neither a config's file, nor a packed model (.pth), nor the name of a model of "
            'MMDetection'
        ) from None
