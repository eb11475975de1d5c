"""Weights from elsewhere; importing this room registers their initialisers."""

from .agreement import LevelGap, plain_config_of
from .alignment import align_weights, grown_lists
from .extend_weights import extend_weights, transfer_weights
from .fitting import require_checkpoint, require_fitting_weights
from .foreign import SOURCES
from .hat import HATPretrained
from .names import SETS, choose_weights, state_dict_of, without_wrappers
from .predictions import read_predictions
from .safe_load import DamagedFileError, read_checkpoint, safe_loading
from .saved import SavedCheckpoint, last_checkpoint, saved_checkpoints
from .transfer import Transfer

__all__ = [
    'SETS',
    'SOURCES',
    'DamagedFileError',
    'HATPretrained',
    'LevelGap',
    'SavedCheckpoint',
    'Transfer',
    'align_weights',
    'choose_weights',
    'extend_weights',
    'grown_lists',
    'last_checkpoint',
    'plain_config_of',
    'read_checkpoint',
    'read_predictions',
    'require_checkpoint',
    'require_fitting_weights',
    'safe_loading',
    'saved_checkpoints',
    'state_dict_of',
    'transfer_weights',
    'without_wrappers',
]
