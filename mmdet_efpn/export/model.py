"""A trained detector as a file for other runtimes, and what the file says of itself."""

from pathlib import Path
from typing import Any

from mmengine.config import Config
from torch import nn

from .. import __version__
from ..inference import find_model
from ..utils.outputs import refuse_existing
from ..visualization import load_detector
from .detector import ExportedDetector
from .formats import write_exported


def export_model(
    model: str | Path | Config,
    weights: str | Path | None,
    out: str | Path,
    *,
    form: str = 'onnx',
    normalise: bool = False,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Writes a trained detector for another runtime.

    Args:
        model: A packed model (``mmdet-efpn pack``), or a config or its file.
        weights: The checkpoint, if ``model`` is a config.
        out: The file to write.
        form: ``'onnx'``, ``'torch-export'`` or ``'torchscript'``.
        normalise: Normalise inside: pictures then are BGR with values from 0 to 255.
        overwrite: Replace ``out`` if it exists.

    Returns:
        dict: What the file says of itself, as JSON under ``mmdet_efpn``: ``classes``; ``input``, in
        words; ``mean``, ``std`` and ``to_rgb`` of the normalisation and whether it is ``inside``;
        ``resize``, the test pipeline's resizing; ``version`` of this package.

    Raises:
        UserError: The detector cannot be exported, the weights do not fit, or ``out`` exists.
    """
    refuse_existing(out, overwrite)
    cfg, checkpoint = find_model(model, weights)
    detector = load_detector(cfg, checkpoint, 'cpu')
    exported = ExportedDetector(detector, normalise)
    facts = _facts(cfg, detector, exported)
    write_exported(exported, out, form, facts, overwrite=overwrite)
    return facts


def _facts(cfg: Config, detector: nn.Module, exported: ExportedDetector) -> dict[str, Any]:
    channels = 'RGB' if exported.flips else 'BGR'
    values = 'BGR, 0 to 255' if exported.normalise else f'{channels}, normalised: (value - mean) / std'
    pipeline = cfg.get('test_pipeline') or cfg.test_dataloader.dataset.pipeline
    resize = [dict(step) for step in pipeline if 'Resize' in str(step.get('type'))]
    return dict(
        input=f'pictures (batch, 3, height, width), float32, {values}',
        inside=exported.normalise,
        mean=exported.mean.flatten().tolist(),
        std=exported.std.flatten().tolist(),
        to_rgb=exported.flips,
        resize=[{key: _plain(value) for key, value in step.items()} for step in resize],
        classes=list(detector.dataset_meta['classes']),
        version=__version__,
    )


def _plain(value: Any) -> Any:
    return value if isinstance(value, (bool, int, float, str)) or value is None else _listed(value)


def _listed(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else str(value)
