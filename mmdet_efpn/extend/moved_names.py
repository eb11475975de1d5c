"""Settings outside the model that name parts whose index moves: hooks, and rules of the optimiser."""

import re
from collections.abc import Iterator

from mmengine.config import Config

from .parts.pyramid import Levels
from .report import Report

# As neck.fpn_convs.0 or bbox_head.scales.1; backbones keep their names.
PART_OF_A_LIST = re.compile(r'\b(?:neck|\w+_head)(?:\.\w+)*?\.\d+')


def note_moved_names(cfg: Config, levels: Levels, report: Report) -> None:
    """Names, in the report, hooks and rules of the optimiser that mean one level's part by its index.

    Lists of parts, one a level, begin with the new levels now.
    """
    if not levels.added:
        return
    rules = ((cfg.get('optim_wrapper') or {}).get('paramwise_cfg') or {}).get('custom_keys')
    sections = dict(custom_hooks=cfg.get('custom_hooks'), default_hooks=cfg.get('default_hooks'))
    sections['optim_wrapper.paramwise_cfg.custom_keys'] = rules
    for where, part in sections.items():
        for key, named in _names(part, where):
            report.left(
                f'{key}: {named} names the part of one level; such lists begin with the new '
                f'level{"s" if len(levels.added) > 1 else ""} now, so look which index you mean'
            )


def _names(value, where: str) -> Iterator[tuple[str, str]]:
    """Where settings name a part by its index, and that name."""
    if isinstance(value, dict):
        for key, child in value.items():
            if found := PART_OF_A_LIST.search(str(key)):
                yield where, found[0]
            yield from _names(child, f'{where}.{key}')
    elif isinstance(value, (list, tuple)):
        for place, child in enumerate(value):
            yield from _names(child, f'{where}[{place}]')
    elif isinstance(value, str) and (found := PART_OF_A_LIST.search(value)):
        yield where, found[0]
