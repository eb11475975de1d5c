"""Ignored regions of the data, which train as background where the assigners do not ask for them."""

import inspect
from collections.abc import Mapping

from mmdet.models.task_modules import BaseAssigner
from mmdet.registry import TASK_UTILS

from ...utils.config_parts import typed_parts

OPTION = 'ignore_iof_thr'
USUAL = 0.5  # MMDetection's own value in the configs that set one


def warn_of_ignored_regions(regions: int, model: Mapping) -> str | None:
    """Says that ignored regions train as background, and which settings end that.

    MMDetection's assigners leave out what lies in ignored regions only if their ``ignore_iof_thr`` is
    above 0; it is -1 by default.

    Args:
        regions (int): Number of regions marked ``iscrowd`` or ``ignore`` in the training data.
        model (Mapping): The model's config.

    Returns:
        str | None: A warning that names the config keys; ``None`` where there is no region, or every
        assigner leaves regions out.

    Example:
        >>> assigner = dict(type='MaxIoUAssigner', pos_iou_thr=0.7, neg_iou_thr=0.3, ignore_iof_thr=0.5)
        >>> warn_of_ignored_regions(3, dict(train_cfg=dict(assigner=assigner))) is None
        True
    """
    if not regions:
        return None
    unset, without, heeding = _assigners(model)
    if not (unset or without) and heeding:
        return None
    marked = f'{regions} ignored region{"s" * (regions > 1)} (iscrowd or ignore)'
    said = f'the training data has {marked}, and what lies there trains as background'
    if unset:
        return f'{said}: set ' + ', '.join(f'{key}.{OPTION}={USUAL}' for key in unset)
    cause = ', '.join(without) or 'it has no assigner'
    return f'{said}: this detector cannot leave them out ({cause}); paint them over in the pictures'


def _assigners(model: Mapping) -> tuple[list[str], list[str], list[str]]:
    """Keys of assigners that could leave regions out, that cannot (with their type), and that do."""
    unset, without, heeding = [], [], []
    for key, part in typed_parts(model, 'model'):
        kind = TASK_UTILS.get(part['type']) if isinstance(part['type'], str) else part['type']
        if not (inspect.isclass(kind) and issubclass(kind, BaseAssigner)):
            continue
        option = inspect.signature(kind).parameters.get(OPTION)
        if option is None:
            without.append(f'{key}: {kind.__name__}')
        elif (part.get(OPTION, option.default) or 0) > 0:
            heeding.append(key)
        else:
            unset.append(key)
    return unset, without, heeding
