"""A teacher from files: another detector's config and weights, for distillation only."""

from collections.abc import Mapping
from pathlib import Path

import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.runner import load_checkpoint
from torch import nn

from ...utils.errors import MissingFileError, UserError
from ...utils.known_names import unknown_argument


def checked_teacher(cfg: dict) -> dict:
    """The arguments of :func:`load_teacher`, from ``model.teacher``.

    Raises:
        UserError: a key too many or too few.
    """
    keys = ('config', 'checkpoint')
    if not isinstance(cfg, Mapping) or any(key not in cfg for key in keys):
        raise UserError(f'model.teacher must be dict(config=..., checkpoint=...), got {cfg!r}')
    for name in cfg:
        if name not in keys:
            raise unknown_argument('teacher', name, keys, 'model.teacher')
    return dict(cfg)


def load_teacher(config: str, checkpoint: str) -> nn.Module:
    """Builds a detector for inference, without gradients, with all its weights from a checkpoint.

    Args:
        config (str): Path of its config, or an ``mmdet::`` name.
        checkpoint (str): Path or address of its weights.

    Returns:
        nn.Module: The detector, in evaluation mode.

    Raises:
        UserError: a missing file, a detector without a neck, or weights that do not fit.
    """
    for name, path in dict(config=config, checkpoint=checkpoint).items():
        if '::' not in path and '://' not in path and not Path(path).is_file():
            raise MissingFileError(f'model.teacher.{name} not found: {path} (looked from {Path.cwd()})')
    cfg = get_config(config) if '::' in config else Config.fromfile(config)
    teacher = MODELS.build(cfg.model)
    if getattr(teacher, 'neck', None) is None:
        raise UserError(
            f'model.teacher.config {config} gives a {type(teacher).__name__}, which has no neck'
        )
    try:
        load_checkpoint(teacher, checkpoint, map_location='cpu', strict=True)
    except RuntimeError as error:
        raise UserError(
            f'model.teacher.checkpoint {checkpoint} does not fit model.teacher.config {config}: {error}'
        ) from error
    return teacher.requires_grad_(False).eval()


def check_same_pixels(teacher: nn.Module, student: nn.Module) -> None:
    """Raises an error for a teacher whose images are normalised in another way than the student's.

    Both see one normalised batch.

    Args:
        teacher (nn.Module): The teacher's data preprocessor.
        student (nn.Module): The student's.

    Raises:
        UserError: mean, std or channel order differ.
    """
    for name in ('mean', 'std'):
        one, other = getattr(teacher, name, None), getattr(student, name, None)
        both = one is not None and other is not None
        if (one is None) != (other is None) or (both and not torch.equal(one.cpu(), other.cpu())):
            raise UserError(
                f'data_preprocessor.{name} of model.teacher and of model.detector differ, but both see '
                f'one batch: {_numbers(one)} and {_numbers(other)}'
            )
    orders = [getattr(p, '_channel_conversion', False) for p in (teacher, student)]
    if orders[0] != orders[1]:
        raise UserError(
            'data_preprocessor.bgr_to_rgb of model.teacher and of model.detector differ, but both see '
            'one batch'
        )


def _numbers(values) -> list | None:
    return None if values is None else values.flatten().tolist()
