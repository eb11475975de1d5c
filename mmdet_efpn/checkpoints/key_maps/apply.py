"""Applies a table of names to a file's weights, and says what became of each."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from torch import Tensor

from ...utils.errors import UserError
from .key_map import KeyMap


@dataclass
class Renaming:
    """What a key map did, by their names.

    Attributes:
        source: The key map's.
        moved: What each weight is called now; more than one name where it became several.
        changed: What was done to the numbers, in words, and of which weights.
        dropped: Why weights were left out, in words, and which.
        unknown: Weights that the table does not know.
        pixels: What the weights expect of an image.
        notes: What else a user must know.
    """

    source: str
    moved: dict[str, list[str]] = field(default_factory=dict)
    changed: dict[str, list[str]] = field(default_factory=dict)
    dropped: dict[str, list[str]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    pixels: str = ''
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """The renaming in words: counts, and the modules that the weights belong to."""
        text = [f'source: {self.source}']
        moves = {
            _module(old): ', '.join(dict.fromkeys(map(_module, new))) for old, new in self.moved.items()
        }
        text += _listed(
            f'{len(self.moved)} of its weights are called otherwise here',
            [f'{old} -> {new}' for old, new in moves.items()],
        )
        for said, names in self.changed.items():
            title = f'{len(names)} of them changed: {said[0].lower()}{said[1:].rstrip(".")}'
            text += _listed(title, names)
        for why, names in self.dropped.items():
            text += _listed(f'{len(names)} of its weights dropped: {why}', names)
        text += _listed(f'{len(self.unknown)} of its weights unknown, and left out', self.unknown)
        return text


def _listed(title: str, names: Iterable[str]) -> list[str]:
    lines = [f'  {name}' for name in dict.fromkeys(names)]
    return [f'{title}:', *lines] if lines else []


def _module(name: str) -> str:
    return name.rpartition('.')[0] or name


def apply_key_map(weights: Mapping[str, Tensor], key_map: KeyMap) -> tuple[dict[str, Tensor], Renaming]:
    """Another program's weights under the names that MMDetection and this package use.

    Args:
        weights (Mapping[str, Tensor]): Their state dict, without wrappers in its names.
        key_map (KeyMap): The table of their names.

    Returns:
        tuple: The weights under our names, and the :class:`Renaming`.

    Raises:
        UserError: Two of the weights would get the same name.
    """
    renaming = Renaming(key_map.source, pixels=key_map.pixels, notes=key_map.notes)
    rules = [(re.compile(rule.pattern), rule.targets) for rule in key_map.rules]
    dropped = [(re.compile(pattern), why) for pattern, why in key_map.dropped]
    ours: dict[str, Tensor] = {}
    owners: dict[str, str] = {}
    for name, weight in weights.items():
        why = next((why for pattern, why in dropped if pattern.fullmatch(name)), None)
        if why is not None:
            renaming.dropped.setdefault(why, []).append(name)
            continue
        found = ((pattern.fullmatch(name), targets) for pattern, targets in rules)
        match, targets = next(((m, t) for m, t in found if m), (None, ()))
        if match is None:
            renaming.unknown.append(name)
            continue
        for target in targets:
            new = match.expand(target.name)
            if new in ours:
                raise UserError(
                    f'{owners[new]} and {name} are both called {new} here: the file is not what '
                    f'{key_map.source} saves'
                )
            owners[new] = name
            ours[new] = weight if target.change is None else target.change(weight)
            renaming.moved.setdefault(name, []).append(new)
            if target.change is not None:
                said = (target.change.__doc__ or target.change.__name__).strip().splitlines()[0]
                renaming.changed.setdefault(said, []).append(name)
    return ours, renaming


def recognise(names: Iterable[str], key_maps: Iterable[KeyMap]) -> KeyMap | None:
    """The key map whose signature a file has; ``None``: of none of these sources."""
    names = list(names)
    for key_map in key_maps:
        if all(any(re.fullmatch(pattern, name) for name in names) for pattern in key_map.signature):
            return key_map
    return None
