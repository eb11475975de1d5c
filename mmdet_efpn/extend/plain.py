"""Whether a config is a plain detector's, which can be extended."""

from ..utils.config_parts import typed_parts
from .probe import plain_type
from .report import CannotExtendError

EXTENDED_TYPES = (
    'EFPN',
    'ExtendedNeck',
    'ExtendedResNet',
    'ExtendedResNeXt',
    'CascadedResNeXt',
    'HighResolutionTap',
    'PyramidBackbone',
    'ExtendedATSSVLFusionHead',
    'ExtendedRPNHead',
    'ExtendedRoIHead',
)


def check_model(model) -> None:
    """Checks that a config has a model.

    Raises:
        CannotExtendError: It has none.
    """
    if not isinstance(model, dict):
        raise CannotExtendError(
            "model is missing: this is no detector's config, but a dataset, a schedule or a script"
        )


def is_extended(model) -> bool:
    """Whether a model's config has the stride-2 level, or a part made for it."""
    return _extended_part(model) is not None


def _extended_part(model) -> tuple[str, str] | None:
    """Config key and type of the first part that is extended; a teacher's do not count.

    A teacher has levels of its own, which are checked where the loss compares them.
    """
    own = {key: part for key, part in model.items() if not str(key).startswith('teacher_')}
    for name, part in typed_parts(own, 'model'):
        if plain_type(part) in EXTENDED_TYPES:
            return name, plain_type(part)
    return None


def check_plain(model: dict) -> None:
    """Checks that a model's config is a plain detector's.

    Raises:
        CannotExtendError: It has no backbone, is no detector, or is extended already.
    """
    if 'backbone' not in model:
        raise CannotExtendError(
            "model.backbone is missing: this is no detector's config, nor one of a model around a "
            'detector (model.detector)'
        )
    if 'head' in model:
        raise CannotExtendError(
            f'model ({plain_type(model)}) classifies or compares pictures by model.head and detects '
            'nothing; extend the config of a detector'
        )
    if found := _extended_part(model):
        raise CannotExtendError(f'{found[0]} is {found[1]}: this config is extended already')
