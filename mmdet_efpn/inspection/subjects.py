"""The detectors that are looked at: a config's own, and beside a plain one its extended twin."""

from dataclasses import dataclass
from typing import Any

import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope

from ..engine.checks import dense_head, unwrapped
from ..extend import CannotExtendError, extend_with_report, is_extended
from ..utils.pretrained import without_weights
from .matching import roi_strides

PLAIN, EXTENDED = 'plain', 'extended'
SIDE = 256  # px, of a picture that shows what levels there are


@dataclass(frozen=True)
class Subject:
    """A detector.

    Attributes:
        name: ``plain`` or ``extended``.
        cfg: Its config.
        detector: Built with random weights; ``None`` if it cannot be built here.
        strides: Strides in pixels of its levels, those of its heads and of its RoIs.
    """

    name: str
    cfg: Config
    detector: Any | None
    strides: tuple[int, ...]


def subjects_of(cfg: Config) -> tuple[list[Subject], str | None, list[str]]:
    """A config's detector and its extended twin.

    Args:
        cfg (Config): A detector's config; it is left alone.

    Returns:
        tuple[list[Subject], str | None, list[str]]: The detectors, why there is no extended one (but
        for a config that is extended already), and what could not be built.
    """
    if is_extended(cfg.model):
        configs, cannot = {EXTENDED: cfg}, None
    else:
        configs, cannot = {PLAIN: cfg}, None
        try:
            configs[EXTENDED] = extend_with_report(cfg, check=False)[0]
        except CannotExtendError as error:
            cannot = str(error)
    subjects, notes = [], []
    for name, config in configs.items():
        try:
            detector = _build(config)
        except Exception as error:  # whatever a detector asks for that is not here
            notes.append(f'the {name} detector cannot be built here: {type(error).__name__}: {error}')
            detector = None
        subjects.append(Subject(name, config, detector, _strides(detector)))
    return subjects, cannot, notes


def _build(cfg: Config) -> Any:
    init_default_scope('mmdet')
    return revert_sync_batchnorm(MODELS.build(without_weights(cfg.model)))


def _strides(detector: Any) -> tuple[int, ...]:
    """Strides of the levels that the heads say they read; else of those that the detector makes."""
    if detector is None:
        return ()
    head, found = dense_head(detector), set(roi_strides(detector))
    if head is not None:
        found |= {int(x) for x, _ in head.prior_generator.strides}
    return tuple(sorted(found)) or _strides_by_running(unwrapped(detector))


@torch.no_grad()
def _strides_by_running(detector: Any) -> tuple[int, ...]:
    try:
        levels = detector.eval().extract_feat(torch.zeros(1, 3, SIDE, SIDE))
        widths = {level.shape[-1] for level in levels}
    except Exception:  # what needs more than a picture, or one of other channels
        return ()
    return tuple(sorted(SIDE // width for width in widths))
