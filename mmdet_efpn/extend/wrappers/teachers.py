"""Teachers: those that a detector's loss compares itself with, and those that follow their student."""

from pathlib import Path

import torch
from mmdet.registry import MODELS
from mmengine.config import Config, ConfigDict
from mmengine.utils import get_installed_path

from ...utils.pretrained import without_weights
from ..parts.pyramid import Levels
from ..probe import plain_type
from ..report import CannotExtendError, Report

FOLLOWS_STUDENT = 'MeanTeacherHook'


def check_teacher(model: dict, levels: Levels) -> None:
    """Checks that a trained teacher whose outputs the loss takes has the levels that the student gets.

    LD compares the two heads' outputs level by level, LAD takes the labels of the teacher's anchors.

    Raises:
        CannotExtendError: The teacher has other levels.
    """
    if not levels.added:
        return
    if model.get('teacher_bbox_head') is not None:
        raise CannotExtendError(
            f'model.teacher_bbox_head: {plain_type(model)} labels the student by the anchors of a '
            f'trained teacher, which has none of stride {levels.added[0]}; extend the config of the '
            'same detector without a teacher (PAA in the place of LAD)'
        )
    if model.get('teacher_config') is None:
        return
    strides = _strides_of_teacher(model['teacher_config'])
    if strides == list(levels.extended):
        return
    raise CannotExtendError(
        'model.teacher_config: the distillation compares the heads of teacher and student level by '
        f'level; the student would have strides {list(levels.extended)}, the trained teacher has '
        f'{strides or "others"}. Extend the config of the teacher, train it, and name both here; or '
        'extend the config of the student without a teacher'
    )


def _strides_of_teacher(config) -> list[int] | None:
    """Strides of the anchors of a teacher's head; ``None`` where its config does not tell."""
    if isinstance(config, (str, Path)):
        path = Path(config)
        if not path.is_file():  # as MMDetection's detector looks for it, and where its configs are
            package = Path(get_installed_path('mmdet'))
            path = next(
                (p for p in (package.parent / path, package / '.mim' / path) if p.is_file()), path
            )
        if not path.is_file():
            return None
        config = Config.fromfile(path)
    head = (config.get('model') or {}).get('bbox_head') or {}
    generator = head.get('anchor_generator') or {}
    return list(generator['strides']) if 'strides' in generator else None


def teacher_hook(cfg: Config, places: tuple[str, ...], report: Report) -> None:
    """Lets a teacher that follows its student, in place, follow the new norms' statistics too.

    ``MeanTeacherHook`` moves weights alone by default. Statistics of pretrained norms are the same in
    both, but a new stem's would stay as they were initialised in the teacher.
    """
    for number, hook in enumerate(cfg.get('custom_hooks') or ()):
        kind = hook.get('type') if isinstance(hook, dict) else None
        name = kind if isinstance(kind, str) else getattr(kind, '__name__', '')
        if name.rpartition('.')[2] != FOLLOWS_STUDENT or not hook.get('skip_buffer', True):
            continue
        if any(_new_statistics(cfg.model[place]) for place in places):
            hook['skip_buffer'] = False
            report.changed(
                f'custom_hooks[{number}].skip_buffer: False, so that the teacher follows the running '
                "statistics of the norms that make C2' too"
            )


def _new_statistics(detector: dict) -> bool:
    """Whether the extension brings norms with running statistics."""
    with torch.random.fork_rng(devices=[]):  # a random seed set before stays as it was set
        return any(
            name.endswith('running_mean')
            for part, own in (('backbone', 'stride_two_stem'), ('neck', 'extension'))
            for name, _ in _named_buffers(detector.get(part), own)
        )


def _named_buffers(part, own: str) -> list:
    """Buffers of the submodule ``own`` that a part of a detector, a module's config, may have."""
    if not isinstance(part, dict):
        return []
    module = getattr(MODELS.build(ConfigDict(without_weights(part))), own, None)
    return [] if module is None else list(module.named_buffers())
