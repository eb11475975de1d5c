"""What a table of names is made of: how another program's weights are called here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

Change = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class To:
    r"""One weight of ours that is made of a weight of theirs.

    Attributes:
        name: Our name; ``\1`` and the like stand for what the rule's pattern found in brackets.
        change: What is done to the numbers; ``None``: nothing. Its docstring's first line is what the
            report says of it.
    """

    name: str
    change: Change | None = None


@dataclass(frozen=True)
class Rule:
    """How weights of theirs are called here.

    Attributes:
        pattern: A regular expression for their whole name.
        targets: What is made of each; mostly one weight.
    """

    pattern: str
    targets: tuple[To, ...]


def rule(pattern: str, name: str, change: Change | None = None) -> Rule:
    """A rule with one target, which most have."""
    return Rule(pattern, (To(name, change),))


@dataclass(frozen=True)
class KeyMap:
    """The names of one source, as a table.

    Attributes:
        source: What ``--source`` calls it, for example ``'torchvision'``.
        signature: Patterns; a file is of this source if each fits one of its names.
        rules: In order; the first that fits a name counts.
        dropped: Patterns of weights that have no use here, and why, in words.
        pixels: What the weights expect of an image, for the report: order of colours and normalisation.
        notes: What else a user must know before using the weights, a sentence each.
        preprocessor: The pixels again, as arguments of a config's ``data_preprocessor``.
    """

    source: str
    signature: tuple[str, ...]
    rules: tuple[Rule, ...]
    dropped: tuple[tuple[str, str], ...] = ()
    pixels: str = ''
    notes: tuple[str, ...] = ()
    preprocessor: Mapping[str, Any] = field(default_factory=dict)
