"""One file that holds a detector: weights, config, class names, and how it was made."""

from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from torch import Tensor

from ...utils.atomic_file import whole_or_not
from ...utils.errors import UserError
from ...utils.outputs import refuse_existing
from ...utils.plain_values import plain_values
from ...utils.pretrained import without_weights
from ..fitting import load_fitting_weights, require_checkpoint
from ..names import choose_weights
from ..safe_load import read_checkpoint
from .config_types import require_known_types

KEY, VERSION = 'mmdet_efpn_packed', 1
_OF_ONE_RUN = ('load_from', 'resume', 'work_dir', 'launcher', 'auto_resume')  # say nothing of the model


class PackedModel(NamedTuple):
    """What a packed model says of itself.

    Attributes:
        config: The detector's config, resolved; made of plain values, nothing was run for it.
        classes: Class names.
        command: The command line that trained it, if it is known.
        metrics: Figures of its evaluation.
        half: Whether the weights are float16.
        versions: Of this package, and of mmdet, with which it was packed.
    """

    config: Config
    classes: tuple[str, ...]
    command: str | None
    metrics: dict[str, float]
    half: bool
    versions: dict[str, str]


def pack_model(
    cfg: Config,
    checkpoint: str | Path,
    out: str | Path,
    *,
    classes: Mapping[str, Any] | None = None,
    half: bool = False,
    use: str | None = None,
    command: str | None = None,
    metrics: Mapping[str, float] | None = None,
    overwrite: bool = False,
) -> PackedModel:
    """Writes a detector into one file, without the optimiser's state.

    The file is a checkpoint too: ``test``, MMDetection's own tools and ``DetInferencer(weights=...)``
    read it. Here its config is read as data.

    Args:
        cfg: The detector's config.
        checkpoint: Its weights.
        out: The file to write, ``.pth``.
        classes: ``dataset_meta``, for checkpoints without it.
        half: Store weights of two and more dimensions as float16. Norms and biases stay float32, and so
            does what has values beyond float16's range.
        use: Which weights of a checkpoint with two sets; see :func:`choose_weights`.
        command: The command line that trained it.
        metrics: Figures of its evaluation.
        overwrite: Replace ``out`` if it exists.

    Returns:
        PackedModel: What the file says.

    Raises:
        UserError: The weights do not fit, the config holds more than plain values or names modules that
            are not registered, or ``out`` exists or does not end in ``.pth``.
    """
    if Path(out).suffix != '.pth':
        raise UserError(f'a packed model is a .pth file, got {out}')
    refuse_existing(out, overwrite)
    require_checkpoint(checkpoint)
    config = plain_values(without_weights(cfg.to_dict()), 'cfg')
    config = {key: value for key, value in config.items() if key not in _OF_ONE_RUN}
    require_known_types(config, str(out))
    init_default_scope(config.get('default_scope', 'mmdet'))
    model = revert_sync_batchnorm(MODELS.build(Config(config).model))
    loaded = read_checkpoint(checkpoint)
    weights, _ = choose_weights(loaded, use)
    load_fitting_weights(model, weights, str(checkpoint))
    meta = _dataset_meta(loaded.get('meta') or {}) or dict(classes or {})
    if not meta.get('classes'):
        raise UserError(f'{checkpoint} names no classes, and neither does the config: name them')
    own = dict(
        version=VERSION,
        config=config,
        command=command,
        metrics=plain_values(dict(metrics or {}), 'metrics'),
        half=half,
        versions=_versions(),
    )
    content = dict(
        state_dict=_stored(model.state_dict(), half),
        meta={'dataset_meta': plain_values(meta, 'dataset_meta'), KEY: own},
        # where MMEngine looks for the config of a checkpoint
        message_hub=dict(runtime_info=dict(cfg=Config(config).pretty_text)),
    )
    with whole_or_not(out) as temporary:
        torch.save(content, temporary)
    return read_packed(out)


def read_packed(path: str | Path) -> PackedModel:
    """What a packed model says of itself; its config as data, of which nothing is run.

    Args:
        path: The file.

    Raises:
        MissingFileError: There is no such file.
        UnsafePickleError: It holds more than data.
        UserError: It is no packed model, or its config names what is not registered.
    """
    require_checkpoint(path)
    loaded = read_checkpoint(path)
    meta = loaded.get('meta') or {}
    own = meta.get(KEY) if isinstance(meta, Mapping) else None
    if not isinstance(own, Mapping) or not isinstance(own.get('config'), Mapping):
        raise UserError(
            f'{path} is no packed model: it holds weights alone. Give its config too, CONFIG {path}, or '
            f'pack both: mmdet-efpn pack CONFIG {path} model.pth'
        )
    if own.get('version') != VERSION:
        raise UserError(
            f'{path} is packed in version {own.get("version")} of the format, this package reads '
            f'{VERSION}: update mmdet-efpn, or pack the model again'
        )
    config = plain_values(dict(own['config']), 'cfg')
    require_known_types(config, str(path))
    return PackedModel(
        config=Config(config, filename=None),
        classes=tuple(meta['dataset_meta']['classes']),
        command=own.get('command'),
        metrics=dict(own.get('metrics') or {}),
        half=bool(own.get('half')),
        versions=dict(own.get('versions') or {}),
    )


def is_packed_name(name: str | Path) -> bool:
    """Whether a name is that of a file that holds weights, and a config too if it is packed."""
    return Path(name).suffix.lower() in ('.pth', '.pt')


def _stored(weights: Mapping[str, Tensor], half: bool) -> dict[str, Tensor]:
    return {name: _halved(value) if half else value.clone() for name, value in weights.items()}


def _halved(value: Tensor) -> Tensor:
    if value.dtype != torch.float32 or value.dim() < 2:
        return value.clone()
    shorter = value.half()
    return value.clone() if shorter.isinf().any() and not value.isinf().any() else shorter


def _dataset_meta(meta: Mapping[str, Any]) -> dict:
    """Class names and palette of a checkpoint of MMDetection 3 or 2."""
    if 'dataset_meta' in meta:
        return {key.lower(): value for key, value in meta['dataset_meta'].items()}
    return dict(classes=meta['CLASSES']) if 'CLASSES' in meta else {}


def _versions() -> dict[str, str]:
    found = {}
    for name in ('mmdet-efpn', 'mmdet', 'onedl-mmdetection', 'torch'):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
