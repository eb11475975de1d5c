"""Builds, runs and compares an extended detector: what fails becomes a refusal that names the key."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from mmengine.logging import MMLogger
from torch import nn

from ...evaluation.cost import build_on_meta
from ..parts.pyramid import Levels
from ..report import CannotExtendError, Report
from .levels import check_heads, check_priors, check_pyramid, check_roi_levels, maps_received
from .optimiser import check_optimiser
from .sample import BOXES
from .trial import Trial, at_first_size, build_detector, run_loss, run_prediction, undisturbed
from .weights import READ_OTHERS, check_plain_weights

SMALL_PICTURE = (32, 32)


def prove(
    plain: dict,
    extended: dict,
    levels: Levels,
    optim_wrappers: tuple[dict | None, dict | None],
    report: Report,
) -> None:
    """Runs the extended detector in small, and compares it with the plain one.

    Runs a training loss with its gradients, and a prediction, on pictures of noise with an object of
    each size, with random weights on the CPU. The plain detector is built on the meta device; it is run
    only where the extended one does not, to tell whose fault that is.

    Args:
        plain (dict): The plain detector's ``model``.
        extended (dict): The extended detector's.
        levels (Levels): Strides of both pyramids.
        optim_wrappers (tuple): ``optim_wrapper`` of the plain and of the extended config, or ``None``.
        report (Report): Says what was run, or why it could not be.

    Raises:
        CannotExtendError: The extended detector does not train, predict, load the plain weights or keep
            the plain levels; the message names the config key.
    """
    with undisturbed(), _quiet():
        try:
            model = build_detector(extended)
        except Exception as error:
            # Whatever a module says at build.
            _blame(error, plain, lambda _: None, report)
            return
        trial = _run(model, plain, levels, report)
        bare = build_on_meta(plain)
        check_priors(bare, model, levels)
        check_roi_levels(bare, model, levels)
        check_plain_weights(bare, model, READ_OTHERS if plain.get('neck') is None else ())
        if optim_wrappers[0]:
            # A new one: DDQ's decoder has the head's branches too, once it has run.
            check_optimiser(bare, build_on_meta(extended), *optim_wrappers)
    report.checked(_what_was_done(trial, bool(optim_wrappers[0])))


def _what_was_done(trial: Trial | None, with_optimiser: bool) -> str:
    said = 'built'
    if trial is not None:
        side = trial.image_size[0]
        said += f', run on {side}x{side}: a finite loss, gradients in all of the extension'
        said += ', a prediction' if trial.sizes else ''
    return (
        f'{said}; levels, anchors or points, RoI levels'
        + (', learning rates' if with_optimiser else '')
        + ' and the names of weights fit the plain detector'
    )


def _run(model: nn.Module, plain: dict, levels: Levels, report: Report) -> Trial | None:
    """Loss and prediction at the first size that the detector can take; ``None`` if the plain cannot."""
    try:
        trial = _loss_at_first_size(model)
    except Exception as error:
        # Whatever a detector says at its loss.
        _blame(error, plain, _loss_at_first_size, report)
        return None
    _check_gradients(model, trial)
    with maps_received(model) as received:
        try:
            run_prediction(model, trial)
        except Exception as error:
            # Whatever a detector says at its prediction.
            _blame(error, plain, lambda bare: run_prediction(bare, Trial(trial.image_size)), report)
    check_pyramid(trial.sizes, trial.image_size, levels)
    check_heads(model, received, trial.image_size)
    return trial


def _loss_at_first_size(model: nn.Module) -> Trial:
    """A loss at the first size that the detector can take."""

    def loss(image_size: tuple[int, int]) -> Trial:
        trial = Trial(image_size)
        run_loss(model, trial)
        return trial

    return at_first_size(loss)


def _check_gradients(model: nn.Module, trial: Trial) -> None:
    without = trial.without_gradient
    if without:  # learned proposals begin as the whole picture: let that be a small object
        small = Trial(SMALL_PICTURE)
        with suppress(Exception):  # too small for this detector: what was found above stands
            run_loss(model, small, tuple(tuple(side // 2 for side in box) for box in BOXES))
            without = tuple(name for name in without if name in small.without_gradient)
    if without:
        raise CannotExtendError(
            f'model: {len(without)} weights of the extension get no gradient from the '
            f"detector's losses, among them {without[0]}, so the extension would not train"
        )


def _blame(error: Exception, plain: dict, run: Callable, report: Report) -> None:
    """Raises a refusal for an error of the extended detector, unless the plain one fails as well."""
    try:
        run(build_detector(plain))
    except Exception as own:
        # The plain detector's own error: what it needs is not here.
        report.left(
            f'not checked to the end: the plain detector does not run here either ({_first_line(own)})'
        )
        return
    raise CannotExtendError(
        f'{_part_at_fault(error)} does not work on the extended levels: {_first_line(error)}'
    ) from error


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or ['']
    return f'{type(error).__name__}: {lines[0]}'


def _part_at_fault(error: Exception) -> str:
    """The config key of the innermost part of the model that an error came from."""
    traceback, found = error.__traceback__, []
    while traceback is not None:
        owner = traceback.tb_frame.f_locals.get('self')
        if isinstance(owner, nn.Module):
            found.append(owner)
        traceback = traceback.tb_next
    root = next((owner for owner in found if hasattr(owner, 'extract_feat')), None)
    if root is None:
        return f'model ({type(found[0]).__name__})' if found else 'model'
    names = {module: name for name, module in root.named_children()}
    part = next((owner for owner in found if owner in names), None)
    key = f'model.{names[part]}' if part is not None else 'model'
    return f'{key} ({type(part if part is not None else root).__name__})'


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps the log free of what building and initialising says."""
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
