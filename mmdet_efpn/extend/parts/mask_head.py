"""Mask and semantic heads beside a box head: which levels they read, and at which stride."""

from ..probe import argument, plain_type
from ..report import CannotExtendError, Report
from .pyramid import Levels

# Detectors whose mask targets are laid out in code for masks at stride 4.
MASKS_AT_STRIDE_FOUR = ('SOLO', 'SOLOv2')
READ_PLAIN_LEVELS = ('CondInst', 'BoxInst', 'YOLACT', 'PanopticFPN')
BRANCHES = ('mask_head', 'semantic_head')


def check_stride_of_masks(model: dict, levels: str) -> None:
    """Refuses levels that a detector's masks do not allow.

    Raises:
        CannotExtendError: A SOLO with the finest level at stride 2.
    """
    if plain_type(model) in MASKS_AT_STRIDE_FOUR and levels == 'all':
        raise CannotExtendError(
            f'model ({plain_type(model)}) lays out its masks and grids for stride 4 in code, so '
            "that P2' cannot stand in front; use levels='p3_prime', which puts P3' in the place of P2"
        )


def extend_branches(model: dict, levels: Levels, report: Report) -> None:
    """Gives the mask or semantic branch of a detector, in place, the levels that it had."""
    if plain_type(model) not in READ_PLAIN_LEVELS or not levels.added:
        return
    for name in BRANCHES:
        if model.get(name) is not None:
            kind = plain_type(model[name])
            model[name] = dict(type='PlainLevelsHead', head=model[name], num_added=len(levels.added))
            report.changed(
                f'model.{name}: {kind} inside PlainLevelsHead, which gives it the levels from stride '
                f'{levels.plain[0]} on, so that it works at the stride it was made for'
            )


def fit_mask_loss(head: dict, levels: Levels, key: str, report: Report) -> dict:
    """An RTMDet-Ins head whose mask loss is taken at the stride of the finest level, if that is finer.

    Its prototypes have the size of the finest level, and the loss can only enlarge them.
    """
    stride, finest = argument(head, 'mask_loss_stride'), levels.extended[0]
    if stride is None or stride <= finest:
        return head
    report.changed(
        f'{key}.mask_loss_stride: {stride} to {finest}, the stride of the finest level, from which the '
        'mask prototypes are made'
    )
    return dict(head, mask_loss_stride=finest)
