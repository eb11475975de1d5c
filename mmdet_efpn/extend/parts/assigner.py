"""Another assigner of ground truth to anchors, for tiny objects."""

from ...utils.errors import UserError
from ..probe import plain_type
from ..report import CannotExtendError, Report

ASSIGNERS = ('nwd',)


def set_assigner(model: dict, name: str, report: Report) -> None:
    """Gives the anchors of a detector, or of its RPN, another assigner; changes ``model`` in place.

    ``'nwd'`` keeps the assigner and its thresholds, and compares boxes by the normalised Wasserstein
    distance in the place of IoU (arXiv:2110.13389, section 3.3).

    Args:
        model: The detector's config.
        name: One of ``ASSIGNERS``.
        report: Where the change is noted.

    Raises:
        UserError: No such assigner.
        CannotExtendError: The detector does not assign by IoU.
    """
    if name not in ASSIGNERS:
        raise UserError(f'assigner must be one of {", ".join(ASSIGNERS)}, got {name!r}')
    settings, where = model.get('train_cfg') or {}, 'train_cfg.assigner'
    if model.get('rpn_head'):
        settings, where = settings.get('rpn') or {}, 'train_cfg.rpn.assigner'
    assigner: dict = settings.get('assigner') or {}
    kind = plain_type(assigner) if assigner else 'none'
    if kind != 'MaxIoUAssigner':
        raise CannotExtendError(
            f"assigner='nwd' changes how a MaxIoUAssigner compares boxes; {where} of this detector is "
            f'{kind}: leave the assigner out'
        )
    assigner['iou_calculator'] = dict(type='NormalizedWasserstein2D')
    report.changed(
        f'{where}.iou_calculator: NormalizedWasserstein2D, so that tiny objects get anchors that hardly '
        'touch them; the thresholds are as before'
    )
    report.left(
        f"{where}.iou_calculator.constant is 12.8 px, AI-TOD's: set it to the average side of your "
        'objects, sqrt(width * height), as the detector sees them'
    )
