"""The optimiser's rules, where they find a backbone by its names."""

from .new_style import SCOPE
from .report import Report

PLAIN_CONSTRUCTORS = (None, 'DefaultOptimWrapperConstructor')
WRAPPING = ('HighResolutionTap', 'ExtendedNeck')


def fit_optimiser(wrapper: dict | None, model: dict, report: Report) -> dict | None:
    """``optim_wrapper`` whose constructor sees the plain detector's names.

    Args:
        wrapper (dict | None): The plain config's ``optim_wrapper``.
        model (dict): The extended detector.
        report (Report): Takes notes.
    """
    if wrapper is None:
        return None
    constructor = wrapper.get('constructor')
    wrapped = any(
        isinstance(model.get(part), dict) and model[part]['type'].endswith(WRAPPING)
        for part in ('backbone', 'neck')
    )
    name = str(constructor).rpartition('.')[2] if constructor else None
    if name in PLAIN_CONSTRUCTORS or not wrapped:
        return wrapper
    report.changed(
        f'optim_wrapper.constructor: {name} inside PlainNamesConstructor, so that it finds the layers '
        'of the wrapped backbone; new weights get the learning rate of heads'
    )
    settings = dict(wrapper.get('paramwise_cfg') or {}, constructor=constructor)
    return dict(wrapper, constructor=f'{SCOPE}.PlainNamesConstructor', paramwise_cfg=settings)
