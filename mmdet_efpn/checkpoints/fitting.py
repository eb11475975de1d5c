"""Whether a checkpoint is there, and fits a model."""

from collections.abc import Mapping
from pathlib import Path

from mmengine.model import BaseTTAModel, is_model_wrapper
from torch import Tensor, nn

from ..utils.errors import MissingFileError, UserError
from .names import state_dict_of, without_wrappers
from .safe_load import read_checkpoint


def require_checkpoint(checkpoint: str | Path, named_by: str = '') -> None:
    """Raises :class:`MissingFileError` unless ``checkpoint`` is a file or an address (``scheme://``)."""
    if '://' not in str(checkpoint) and not Path(checkpoint).is_file():
        before = f'{named_by}: ' if named_by else ''
        raise MissingFileError(f'{before}checkpoint not found: {checkpoint} (looked from {Path.cwd()})')


def require_fitting_weights(model: nn.Module, checkpoint: str) -> dict:
    """Loads a checkpoint; one that leaves weights of the model unchanged is an error.

    MMEngine warns of such weights and tests all the same, with random ones. Weights that the model does
    not have are ignored here too. What data parallel or compiled modules put into names is taken off.

    Returns:
        dict: What the file holds, its ``meta`` for one.

    Raises:
        UserError: The checkpoint lacks weights of the model, or has some of other shapes.
    """
    while is_model_wrapper(model) or isinstance(model, BaseTTAModel):
        model = model.get_submodule('module')
    loaded = read_checkpoint(checkpoint)
    weights, _ = without_wrappers(state_dict_of(loaded), model.state_dict())
    load_fitting_weights(model, weights, checkpoint)
    return loaded


def load_fitting_weights(model: nn.Module, weights: Mapping[str, Tensor], checkpoint: str) -> None:
    """Loads weights; where they leave weights of the model unchanged, that is an error.

    Args:
        model: The model.
        weights: By the model's own names; others are ignored.
        checkpoint: Where they come from, for messages.

    Raises:
        UserError: As :func:`require_fitting_weights`.
    """
    try:
        missing = model.load_state_dict(weights, strict=False).missing_keys
    except RuntimeError as error:  # torch lists weights of other shapes, a line for each
        raise UserError(
            f"checkpoint: {checkpoint} is of another model than the config's: "
            + '; '.join(line.strip() for line in str(error).splitlines()[1:4])
        ) from None
    missing = [name for name in missing if not name.endswith('num_batches_tracked')]
    if missing:
        raise UserError(
            f'checkpoint: {checkpoint} lacks {len(missing)} of the {len(model.state_dict())} weights of '
            f"the config's model, among them {', '.join(missing[:3])}; give the checkpoint of a run of "
            'this config'
        )
