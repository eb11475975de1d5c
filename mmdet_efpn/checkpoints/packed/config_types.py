"""Whether a config that came as data names registered modules alone: building it runs no other code.

MMEngine's registries import and call whatever a dotted ``type`` names, and mmcv evaluates the text that
names an NMS. A config is a program of its author; a packed model may come from anyone.
"""

import importlib
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import mmcv.ops
import mmengine.registry
from mmengine.registry import Registry

from ...utils.config_parts import typed_parts
from ...utils.errors import UserError

KNOWN_PACKAGES = ('mmcv', 'mmdet', 'mmdet_efpn', 'mmengine')
# Registered, but they run text of the config as Python.
_RUN_TEXT = ('RFSearchHook', 'RFSearch')
_MOTION_MODEL = re.compile(r'cv2\.MOTION_\w+')  # mmdet evaluates it


def require_known_types(config: Mapping[str, Any], name: str) -> None:
    """Raises an error where a config names what is not registered, or asks for foreign imports.

    Modules of ``custom_imports`` that belong to known packages, or that are imported already, pass; the
    former are imported here.

    Args:
        config: A config of plain values.
        name: Whose config it is, for messages.

    Raises:
        UserError: With the config key.
    """
    _import_known(config, name)
    for registry in _registries():
        registry.import_from_location()
    short = {key for registry in _registries() for key in registry.module_dict}
    classes = {id(value) for registry in _registries() for value in registry.module_dict.values()}
    for where, part in typed_parts(dict(config), 'cfg'):
        kind = part['type']
        if not isinstance(kind, str) or not (
            _is_registered(kind, short, classes) or hasattr(mmcv.ops, kind)
        ):
            raise UserError(
                f'{name}: its config names {where.removeprefix("cfg.")}.type={kind!r}, which is not '
                'registered here; import the package that registers it before, or give the config '
                'itself, if you trust it'
            )
        if kind.rpartition('.')[2] in _RUN_TEXT:
            raise UserError(f'{name}: its config names {where}.type={kind!r}, which runs text as Python')
        motion = part.get('warp_mode', 'cv2.MOTION_EUCLIDEAN')
        if not isinstance(motion, str) or not _MOTION_MODEL.fullmatch(motion):
            raise UserError(f'{name}: its config has {where}.warp_mode={motion!r}, no model of motion')


def _import_known(config: Mapping[str, Any], name: str) -> None:
    settings = config.get('custom_imports') or {}
    wanted = settings.get('imports') or []
    for module in [wanted] if isinstance(wanted, str) else wanted:
        if str(module) in sys.modules:
            continue
        if str(module).partition('.')[0] not in KNOWN_PACKAGES:
            raise UserError(
                f'{name} asks for the import of {module} (custom_imports), which is not done for a file '
                'that may come from anyone; import it before, if you trust it: --import on the command '
                'line'
            )
        importlib.import_module(module)


def _is_registered(kind: str, short: set[str], classes: set[int]) -> bool:
    scope, _, rest = kind.partition('.')
    if not rest:
        return kind in short
    if scope not in KNOWN_PACKAGES and scope not in sys.modules:
        return False
    if rest in short:
        return True
    home, _, last = kind.rpartition('.')  # a class by its whole name, as configs of the new style say
    if scope not in (*KNOWN_PACKAGES, 'torch'):
        return False
    try:
        return id(getattr(importlib.import_module(home), last, None)) in classes
    except ImportError:
        return False


def _registries() -> Iterator[Registry]:
    roots = [value for value in vars(mmengine.registry).values() if isinstance(value, Registry)]
    seen: set[int] = set()
    while roots:
        registry = roots.pop()
        if id(registry) not in seen:
            seen.add(id(registry))
            yield registry
            roots.extend(registry.children.values())
