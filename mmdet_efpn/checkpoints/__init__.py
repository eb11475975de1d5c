"""Weights from elsewhere; importing this room registers their initialisers and safe readers."""

from .agreement import LevelGap, plain_config_of
from .alignment import align_weights, grown_lists
from .extend_weights import extend_weights, transfer_weights
from .fitting import load_fitting_weights, require_checkpoint, require_fitting_weights
from .foreign import SOURCES
from .hat import HATPretrained
from .names import SETS, choose_weights, state_dict_of, without_wrappers
from .packed import PackedModel, is_packed_name, pack_model, read_packed
from .predictions import check_suffix, read_predictions, write_predictions
from .safe_load import DamagedFileError, read_checkpoint, replace_mmengines_readers
from .saved import SavedCheckpoint, last_checkpoint, saved_checkpoints
from .transfer import Transfer

__all__ = [
    'SETS',
    'SOURCES',
    'DamagedFileError',
    'HATPretrained',
    'LevelGap',
    'PackedModel',
    'SavedCheckpoint',
    'Transfer',
    'align_weights',
    'check_suffix',
    'choose_weights',
    'extend_weights',
    'grown_lists',
    'is_packed_name',
    'last_checkpoint',
    'load_fitting_weights',
    'pack_model',
    'plain_config_of',
    'read_checkpoint',
    'read_packed',
    'read_predictions',
    'require_checkpoint',
    'require_fitting_weights',
    'saved_checkpoints',
    'state_dict_of',
    'transfer_weights',
    'without_wrappers',
    'write_predictions',
]

replace_mmengines_readers()
