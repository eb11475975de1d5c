"""What became of each weight of a checkpoint in another detector."""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from torch import Tensor

from ..utils.errors import UserError
from .agreement import LevelGap
from .key_maps import Renaming

# Parts that only an extended detector has; a plain one's weights cannot fill them.
_NEW = ('extension', 'extended_bbox_head', 'stride_two_stem')
LEAST_SHARE = 0.5  # of the detector's weights, and of its neck's
LEAST_OF_BACKBONE = 0.9  # new norms of a finer stage are missing there, no more


@dataclass
class Transfer:
    """What was written, by names.

    Attributes:
        used: Which weights of the checkpoint were taken, in words.
        unwrapped: What was taken off names (``module.``), and of how many.
        kept: Names that stay.
        moved: Names that changed, and to what.
        widened: Weights with an axis of levels, which got the new ones in front.
        other_shape: Weights that were left out: there, the detector has another shape.
        no_place: Weights that were left out: the detector has none of the name.
        copied: Weights of a second box head, which get the first one's when the file is loaded.
        missing: Weights of the detector that stay as they are initialised.
        gaps: Of the levels that plain and extended pyramid share, where they were compared.
        reason: Why those may differ; empty: they agree.
        renaming: What a table did to another program's names; ``None``: the names are MMDetection's.
        pixels: What the weights expect of an image, and whether the config gives it, in words.
    """

    used: str = ''
    unwrapped: dict[str, int] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    moved: dict[str, str] = field(default_factory=dict)
    widened: list[str] = field(default_factory=list)
    other_shape: list[str] = field(default_factory=list)
    no_place: list[str] = field(default_factory=list)
    copied: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    gaps: list[LevelGap] = field(default_factory=list)
    reason: str = ''
    renaming: Renaming | None = None
    pixels: str = ''

    @property
    def filled(self) -> int:
        """How many weights of the detector were filled."""
        return len(self.kept) + len(self.moved) + len(self.widened)

    def lines(self) -> list[str]:
        """The transfer in words: counts, and the modules that the weights belong to."""
        text = [f'weights used: {self.used}'] if self.used else []
        text += [f'taken off {count} names: {prefix}' for prefix, count in self.unwrapped.items()]
        if self.renaming is not None:
            text += [*self.renaming.lines(), 'of the weights under our names, in the detector:']
        text.append(f'{len(self.kept)} weights keep their names')
        moves = {_module(old): _module(new) for old, new in self.moved.items()}
        text += _listed(
            f'{len(self.moved)} weights moved', [f'{old} -> {new}' for old, new in moves.items()]
        )
        for names, what in (
            (self.widened, 'got finer levels in front'),
            (self.other_shape, 'left out, for they have another shape here'),
            (self.no_place, 'left out, for the extended detector has no such name'),
            (self.copied, 'of the second box head get those of the first when the file is loaded'),
            (self.missing, 'of the extended detector stay as they are initialised'),
        ):
            text += _listed(f'{len(names)} weights {what}', dict.fromkeys(map(_module, names)))
        text += self._compared()
        if self.renaming is not None:
            text += [f'note: {note}' for note in self.renaming.notes]
        return text + [self.pixels] * bool(self.pixels)

    def _compared(self) -> list[str]:
        if not self.gaps:
            return []
        worst = max(gap.difference for gap in self.gaps)
        if all(gap.agrees for gap in self.gaps):
            title = f'the levels agree that both pyramids have: they differ by {worst:.1e} at most'
        else:
            title = f'the levels differ by up to {worst:.1e}, for {self.reason}'
        return _listed(
            title,
            [
                f'stride {gap.stride}: {gap.difference:.1e} (values up to {gap.largest:.3g})'
                for gap in self.gaps
            ],
        )


def _listed(title: str, names: Iterable[str]) -> list[str]:
    lines = [f'  {name}' for name in names]
    return [f'{title}:', *lines] if lines else []


def _module(name: str) -> str:
    return name.rpartition('.')[0] or name


def check_share(transfer: Transfer, target: Mapping[str, Tensor], checkpoint: str) -> None:
    """Raises an error for a checkpoint that is plainly of another network.

    Args:
        transfer (Transfer): What became of its weights.
        target (Mapping[str, Tensor]): The detector's state dict.
        checkpoint (str): What messages call the checkpoint.

    Raises:
        UserError: Too few of the detector's weights are filled; the message has counts and names.
    """
    missing = set(transfer.missing)
    parts = {'': LEAST_SHARE, 'backbone.': LEAST_OF_BACKBONE}
    names = [*transfer.kept, *transfer.moved, *transfer.other_shape, *transfer.no_place]
    if any('neck.' in name for name in names):  # a pixel decoder's plain detector has none
        parts['neck.'] = LEAST_SHARE
    for part, least in parts.items():
        wanted = [
            name
            for name in target
            if part in name and not _is_new(name) and not name.endswith('num_batches_tracked')
        ]
        filled = [name for name in wanted if name not in missing]
        if wanted and len(filled) < least * len(wanted):
            where = part.rstrip('.') or 'detector'
            theirs, ours = nearest_names(
                [*transfer.no_place, *transfer.other_shape],
                [name for name in transfer.missing if part in name and not _is_new(name)],
            )
            raise UserError(
                f'{checkpoint} is of another network: it fills {len(filled)} of the {len(wanted)} '
                f"weights that a plain detector shares with the extended one's {where}. It has, among "
                f'others, {theirs}; the nearest that the {where} needs are {ours}'
            )


def nearest_names(theirs: list[str], ours: list[str]) -> tuple[str, str]:
    """The three names of one list that are most like three of another, and those, in words."""
    if not theirs or not ours:
        return 'none but the fitting ones' if not theirs else ', '.join(theirs[:3]), ', '.join(ours[:3])
    candidates = _one_of_each(ours)
    pairs: list[tuple[float, str, str]] = []
    for name in _one_of_each(theirs)[:60]:  # a file may have thousands
        close = difflib.get_close_matches(name, candidates, n=3, cutoff=0.0)
        pairs += [(difflib.SequenceMatcher(None, name, other).ratio(), name, other) for other in close]
    left: list[str] = []
    right: list[str] = []
    for _, name, other in sorted(pairs, key=lambda pair: -pair[0]):
        if name not in left and other not in right and len(left) < 3:
            left.append(name)
            right.append(other)
    return ', '.join(left), ', '.join(right)


def _one_of_each(names: list[str]) -> list[str]:
    """The first of the names that differ in their numbers alone, if that leaves three."""
    first = list({re.sub(r'\d+', '#', name): name for name in reversed(names)}.values())[::-1]
    return first if len(first) >= 3 else names


def _is_new(name: str) -> bool:
    return bool(set(name.split('.')) & set(_NEW))
