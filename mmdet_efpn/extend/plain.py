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
    'ExtendedRPNHead',
    'ExtendedRoIHead',
)


def check_detector(model) -> None:
    """Checks that a config has a detector, or something that holds one.

    Raises:
        CannotExtendError: It is no detector's.
    """
    if not isinstance(model, dict):
        raise CannotExtendError(
            "model is missing: this is no detector's config, but a dataset, a schedule or a script"
        )


def check_plain(model: dict) -> None:
    """Checks that a model's config is a plain detector's.

    Raises:
        CannotExtendError: It has no backbone, or is extended already.
    """
    if 'backbone' not in model:
        raise CannotExtendError(
            "model.backbone is missing: this is no detector's config, or one whose "
            "detector lies inside another model; extend that one's own config"
        )
    for name, part in typed_parts(model, 'model'):
        if plain_type(part) in EXTENDED_TYPES:
            raise CannotExtendError(f'{name} is {plain_type(part)}: this config is extended already')
