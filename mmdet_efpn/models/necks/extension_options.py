"""The options of a neck's ``extension_cfg``."""

from collections.abc import Mapping

from ...utils.errors import UserError
from ...utils.known_names import unknown_argument

# The arguments that a neck's `extension_cfg` may hold; the neck gives the others.
EXTENSION_OPTIONS = (
    'channels',
    'separable',
    'p3_prime_scale',
    'on_rois',
    'widen_on_rois',
    'with_cp',
    'compile',
    'output_conv',
    'lateral_bias',
)


def checked_extension_cfg(cfg: dict | None) -> dict:
    """A neck's ``extension_cfg``, of which ``None`` is the empty one.

    Raises:
        UserError: no dict, or an option that there is not.
    """
    if not isinstance(cfg, Mapping | None):
        raise UserError(f'neck.extension_cfg must be a dict, such as dict(separable=True), got {cfg!r}')
    for name in cfg or {}:
        if name not in EXTENSION_OPTIONS:
            raise unknown_argument('extension_cfg', name, EXTENSION_OPTIONS, 'neck.extension_cfg')
    return dict(cfg or {})
