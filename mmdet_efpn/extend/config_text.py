"""Writing an extended config as a file that inherits the plain one and holds only the changes."""

import math
import os
import textwrap
from pathlib import Path

from mmengine.config import Config

from ..utils.atomic_file import whole_or_not
from ..utils.errors import MissingFileError, UserError
from ..utils.outputs import refuse_existing
from ..utils.read_config import config_path, read_config
from .config import extend_with_report
from .new_style import is_new_style
from .report import Report

WIDTH = 100


def write_extended_config(config: str, out: str | Path, overwrite: bool = False, **options) -> Report:
    """Extends a config and writes the result as a file that inherits it.

    The file is read back and compared with the extended config before it takes its place, in one step.

    Args:
        config (str): The plain config: its path, or ``package::path``.
        out (str | Path): The file to write.
        overwrite (bool): Replace a file that is there. Default False.
        **options: Those of :func:`mmdet_efpn.extend.extend_with_report`.

    Returns:
        Report: What was changed and why.

    Raises:
        FileExistsError: ``out`` is there already.
        FileNotFoundError: There is no such config, or no folder for ``out``.
        CannotExtendError: The detector cannot have the level.
    """
    out = Path(out)
    if out.suffix != '.py':
        raise UserError(f"a config file's name ends in .py, not {out.name!r}")
    if not out.parent.is_dir():
        raise MissingFileError(f'no such folder: {out.parent}')
    refuse_existing(out, overwrite)
    plain = read_config(config)
    extended, report = extend_with_report(plain, **options)
    target = without_scope(extended.to_dict())
    if is_new_style(plain):  # a file of the old style cannot inherit one of the new
        report.left(
            'the whole config, since a file of the new style (read_base) cannot be inherited here'
        )
        base, before = None, {}
    else:
        # Of a package's name, MMEngine knows MMDetection's.
        by_name = config.startswith('mmdet::')
        base = config if by_name else os.path.relpath(config_path(config), out.parent)
        before = without_scope(plain.to_dict())
    text = config_text(base, before, target, report)
    # Beside its final place, where its relative base is the same one.
    with whole_or_not(out) as draft:
        draft.write_text(text, encoding='utf-8')
        if comparable(without_scope(Config.fromfile(draft).to_dict())) != comparable(target):
            raise RuntimeError(f'{config}: the written config does not read back as it should')
    return report


def without_scope(value):
    """A copy without the ``_scope_`` that MMEngine writes into all it inherits from a package."""
    if isinstance(value, dict):
        return {key: without_scope(part) for key, part in value.items() if key != '_scope_'}
    if isinstance(value, (list, tuple)):
        return type(value)(without_scope(part) for part in value)
    return value


def comparable(value):
    """A copy in which a number that is none (NaN) equals itself."""
    if isinstance(value, dict):
        return {key: comparable(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(comparable(part) for part in value)
    return 'not a number' if isinstance(value, float) and math.isnan(value) else value


def config_text(base: str | None, plain: dict, extended: dict, report: Report) -> str:
    """The file's text: its base, if it has one, and, key by key, what differs from it."""
    lines = [
        textwrap.fill(line, WIDTH, initial_indent='# ', subsequent_indent='#     ')
        for line in str(report).splitlines()
    ]
    if base is not None:
        lines.append(f'_base_ = {base!r}')
    for key, value in changes(plain, extended).items():
        lines.append(f'{key} = {_literal(value, len(key) + 3)}')
    return '\n'.join(lines) + '\n'


def changes(plain: dict, extended: dict) -> dict:
    """What turns one config dict into another by MMEngine's inheritance.

    Example:
        >>> changes(dict(a=1, b=dict(c=2, d=3)), dict(a=1, b=dict(c=2, d=4)))
        {'b': {'d': 4}}
        >>> changes(dict(b=dict(c=2, d=3)), dict(b=dict(c=2)))
        {'b': {'_delete_': True, 'c': 2}}
    """
    changed = {}
    for key, value in extended.items():
        if key in plain and plain[key] == value:
            continue
        if not isinstance(value, dict) or key not in plain:
            changed[key] = value
        elif isinstance(plain[key], dict) and plain[key].keys() <= value.keys():
            changed[key] = changes(plain[key], value)
        else:
            changed[key] = dict(_delete_=True, **value)
    return changed


def _literal(value, indent: int) -> str:
    """A value as Python code, dicts by ``dict(...)``, broken into lines of a readable length."""
    if isinstance(value, dict):
        if all(isinstance(key, str) and key.isidentifier() for key in value):
            parts = [f'{k}={_literal(part, indent + 5 + len(k) + 1)}' for k, part in value.items()]
            opening, closing = 'dict(', ')'
        else:
            parts = [f'{k!r}: {_literal(part, indent + len(repr(k)) + 3)}' for k, part in value.items()]
            opening, closing = '{', '}'
    elif type(value) in (list, tuple):
        parts = [_literal(part, indent + 1) for part in value]
        opening, closing = ('[', ']') if isinstance(value, list) else ('(', ')')
        if isinstance(value, tuple) and len(parts) == 1:
            closing = ',)'
    elif isinstance(value, float) and not math.isfinite(value):
        return f"float('{value}')"  # its repr is no Python
    else:
        return repr(value)
    line = opening + ', '.join(parts) + closing
    if '\n' not in line and indent + len(line) <= WIDTH:
        return line
    return opening + (',\n' + ' ' * (indent + len(opening))).join(parts) + closing
