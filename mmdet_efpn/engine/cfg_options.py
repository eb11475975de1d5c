"""``--cfg-options KEY=VALUE``: changes to a config whose keys must exist."""

import inspect
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

import mmengine.registry
from mmdet import registry
from mmengine.config import Config, DictAction
from mmengine.registry import Registry
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from ..models import EXTENSION_OPTIONS
from ..utils.errors import UserError
from ..utils.known_names import argument_names, nearest


def _parameters(function) -> set[str]:
    return set(inspect.signature(function).parameters) - {'self'}


# What MMEngine's runner, MMDetection's tools and this package read beside what a config has already.
_TOP_LEVEL = _parameters(Runner.__init__) | {
    'auto_scale_lr',
    'custom_imports',
    'find_unused_parameters',
    'model_wrapper_cfg',
    'runner_type',
    'tta_model',
    'tta_pipeline',
}
_DATA_LOADER = _parameters(DataLoader.__init__) | {'num_batch_per_epoch'}
# Keys of dicts without a type, by the dict's name; None: anything goes.
_UNTYPED = {
    'train_dataloader': _DATA_LOADER,
    'val_dataloader': _DATA_LOADER,
    'test_dataloader': _DATA_LOADER,
    'randomness': _parameters(Runner.set_randomness),
    'env_cfg': {'cudnn_benchmark', 'mp_cfg', 'dist_cfg', 'resource_limit'},
    'auto_scale_lr': {'enable', 'base_batch_size'},
    'extension_cfg': set(EXTENSION_OPTIONS),
    'filter_cfg': {'filter_empty_gt', 'min_size'},
    'dist_cfg': None,
    'data_prefix': None,
    'metainfo': None,
    'custom_keys': None,
    'backend_args': None,
}
# Keys that the builders of these dicts take out before they call the class.
_BUILDERS = {
    'optim_wrapper': {'constructor', 'paramwise_cfg'},
    'param_scheduler': {'convert_to_iter_based'},
    'norm_cfg': {'requires_grad'},
    'init_cfg': {'override'},
}
_ALWAYS = {'type', '_delete_', '_scope_'}
# Where any key may be right, one as like a known one as this is taken for a typing error.
_TYPING_ERROR = 0.85


def parse_cfg_options(words: Sequence[str]) -> dict:
    """``KEY=VALUE`` words as a dict; values are read as MMEngine's ``DictAction`` reads them."""
    pairs = (word.partition('=') for word in words)
    return {key: DictAction._parse_iterable(value) for key, _, value in pairs}


def apply_cfg_options(cfg: Config, options: Sequence[str] | Mapping, name: str) -> None:
    """Changes a config in place.

    A key must be in the config, or be an argument of the class that the dict around it builds. A key
    that begins with ``+`` is added without that check.

    Args:
        cfg: The config.
        options: ``KEY=VALUE`` words, or a dict; keys are dotted, and whole numbers count list entries.
        name: What messages call the config.

    Raises:
        UserError: A key is unknown (the message names the nearest known one), or doesn't fit.
    """
    options = dict(options) if isinstance(options, Mapping) else parse_cfg_options(options)
    for key in options:
        if not key.startswith('+'):
            _check_key(cfg, key, name)
    try:
        # at once, as MMDetection does: a _delete_ among them counts for the others
        cfg.merge_from_dict({key.removeprefix('+'): value for key, value in options.items()})
    except (KeyError, TypeError, IndexError, ValueError) as error:
        words = ' '.join(f'{key}={value}' for key, value in options.items())
        raise UserError(f'--cfg-options: {words} do not fit {name}: {error}') from error


def _check_key(cfg: Config, key: str, name: str) -> None:
    node, parts = cfg._cfg_dict, key.split('.')
    for place, part in enumerate(parts):
        if isinstance(node, (list, tuple)):
            if not part.isdecimal() or int(part) >= len(node):
                raise UserError(
                    f'--cfg-options: {key} does not fit {name}: {".".join(parts[:place])} is a list of '
                    f'{len(node)} entries, counted from 0'
                )
            node = node[int(part)]
        elif not isinstance(node, dict):
            return  # merging says what is wrong
        elif part in node:
            node = node[part]
        else:
            _check_new_key(node, parts[:place], part, key, name)
            # What is below a new key is not known, unless its keys have a table.
            if place + 1 < len(parts) and _UNTYPED.get(part):
                _check_new_key({}, parts[: place + 1], parts[place + 1], key, name)
            return


def _check_new_key(node: dict, path: list[str], part: str, key: str, name: str) -> None:
    known, complete = _known_keys(node, path)
    if part in known:
        return
    near = nearest(part, known)
    if not complete and (near is None or SequenceMatcher(None, part, near).ratio() < _TYPING_ERROR):
        return
    before = f'{".".join(path)}.' if path else ''
    hint = (
        f'did you mean {before}{near}? ' if near else f'it takes {", ".join(sorted(known - _ALWAYS))}. '
    )
    raise UserError(
        f'--cfg-options: {name} has no {before}{part}; {hint}'
        f'To add a new key on purpose, write +{key}=...'
    )


def _known_keys(node: dict, path: list[str]) -> tuple[set[str], bool]:
    """Keys that something would read, and whether these are all."""
    if not path:
        return set(node) | _TOP_LEVEL, True
    named = [part for part in path if not part.isdecimal()][-1]
    known = set(node) | _ALWAYS
    if 'type' not in node:
        table = _UNTYPED.get(named, set())
        return known | (table or set()), table is not None
    known |= _BUILDERS.get(named, set())
    cls = registered_class(node['type'])
    if cls is None:
        return known, False
    arguments = argument_names(cls)
    if arguments is None:  # it hands **kwargs to something else, as CheckpointHook
        return known | _parameters(cls.__init__), False
    return known | arguments, True


def registered_class(name) -> type | None:
    """The class of a ``type``, from whichever registry has it."""
    if not isinstance(name, str):
        return name if inspect.isclass(name) else None
    for module in (registry, mmengine.registry):
        for value in vars(module).values():
            if isinstance(value, Registry) and inspect.isclass(found := value.get(name)):
                return found
    return None
