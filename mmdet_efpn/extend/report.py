"""What was changed in a config and why, and what stands in the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..utils.errors import UserError

if TYPE_CHECKING:
    from .parts.pyramid import Levels


class CannotExtendError(UserError):
    """A config that cannot get the extended level; the message says why."""


@dataclass
class Report:
    """What :func:`mmdet_efpn.extend_config` did to a config, in sentences for a person.

    Attributes:
        changes: What was changed, and why.
        kept: What could not be changed, or needs the user's eye.
        checks: What was run to see that it works.
        prices: What the extended level costs this detector.
        levels: The pyramid's levels before and after.
    """

    changes: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    checks: list[str] = field(default_factory=list)
    prices: list[str] = field(default_factory=list)
    levels: Levels | None = None

    def changed(self, sentence: str) -> None:
        """Notes a change."""
        self.changes.append(sentence)

    def left(self, sentence: str) -> None:
        """Notes what was left as it was."""
        self.kept.append(sentence)

    def checked(self, sentence: str) -> None:
        """Notes what was run."""
        self.checks.append(sentence)

    def costs(self, sentence: str) -> None:
        """Notes a price."""
        self.prices.append(sentence)

    def take(self, other: Report, put: Callable[[str], str]) -> None:
        """Takes over the sentences of a report, each as ``put`` words it, but those that are there."""
        for own, taken in (
            (self.changes, other.changes),
            (self.kept, other.kept),
            (self.prices, other.prices),
            (self.checks, other.checks),
        ):
            own += [sentence for sentence in map(put, taken) if sentence not in own]

    def __str__(self) -> str:
        lines = ['changed:', *(f'  {sentence}' for sentence in self.changes)]
        if self.kept:
            lines += ['not changed, or for you to decide:', *(f'  {sentence}' for sentence in self.kept)]
        if self.prices:
            lines += ['price:', *(f'  {sentence}' for sentence in self.prices)]
        if self.checks:
            lines += ['checked:', *(f'  {sentence}' for sentence in self.checks)]
        return '\n'.join(lines)
