"""Which levels a plain neck gives, and the same neck told to begin at stride 4."""

import itertools
from dataclasses import dataclass

from ..probe import Feature, argument, plain_type, probe_neck
from ..report import CannotExtendError
from .backbone import C2_STRIDE

REFINERS = ('BFP', 'DyHead')  # come after a pyramid and keep its levels
TAKE_START_LEVEL = ('FPN', 'PAFPN', 'FPN_CARAFE', 'FPN_DropBlock')
ONE_LEVEL_AN_INPUT = ('CSPNeXtPAFPN', 'YOLOXPAFPN')
KNOWN = (*TAKE_START_LEVEL, 'HRFPN', *ONE_LEVEL_AN_INPUT, 'ChannelMapper')


@dataclass(frozen=True)
class Levels:
    """The levels of a pyramid before and after.

    Attributes:
        plain: Strides of the plain pyramid, finest first.
        extended: Strides of what the heads receive afterwards.
    """

    plain: tuple[int, ...]
    extended: tuple[int, ...]

    @property
    def added(self) -> tuple[int, ...]:
        """Strides of the new levels, finest first."""
        return self.extended[: len(self.extended) - len(self.plain)]


def as_chain(neck) -> list[dict]:
    """The neck as a list of modules; MMDetection takes one or a list.

    Raises:
        CannotExtendError: There is none, or one that no pyramid can be made of.
    """
    if neck is None:
        raise CannotExtendError(
            'model.neck is missing: this detector has no feature pyramid to extend (as a C4 Faster '
            'R-CNN or CornerNet)'
        )
    chain = list(neck) if isinstance(neck, (list, tuple)) else [neck]
    if plain_type(chain[0]) == 'RFP':
        raise CannotExtendError(
            'model.neck (RFP) feeds its levels back into a second backbone, which has no place for '
            "C2'; extend the same detector with an FPN in its place"
        )
    return chain


def is_known(chain: list[dict]) -> bool:
    """Whether the settings of a neck tell its levels; other necks have to be run."""
    first, *others = (plain_type(part) for part in chain)
    return first in KNOWN and all(name in REFINERS for name in others)


def plain_strides(chain: list[dict], backbone: dict, features: list[Feature]) -> tuple[int, ...]:
    """The strides of the plain neck's levels.

    Args:
        chain (list[dict]): The neck's modules.
        backbone (dict): Config of the backbone.
        features (list[Feature]): What the backbone gives.

    Raises:
        CannotExtendError: The neck's ``in_channels`` are not the backbone's, or its levels are no
            pyramid that can be extended.
    """
    neck, name = chain[0], ' and '.join(plain_type(part) for part in chain)
    widths, inputs = [f.channels for f in features], argument(neck, 'in_channels')
    if is_known(chain) and list(inputs or ()) != widths:
        raise CannotExtendError(
            f'model.neck.in_channels is {list(inputs or ())}, but model.backbone gives {widths}'
        )
    if is_known(chain):
        strides = _strides_by_settings(neck, [feature.stride for feature in features])
    else:
        strides = _strides_by_running(chain, backbone, name)
    if len(strides) < 2:
        raise CannotExtendError(
            f'model.neck ({name}) makes one level of stride {strides[0]}: this detector has '
            'no feature pyramid to extend'
        )
    if any(b != 2 * a for a, b in itertools.pairwise(strides)):
        raise CannotExtendError(
            f'the levels of model.neck ({name}) have strides {strides}; each must be twice the one '
            'before'
        )
    return tuple(strides)


def _strides_by_settings(neck: dict, strides: list[int]) -> list[int]:
    start = argument(neck, 'start_level') if plain_type(neck) in TAKE_START_LEVEL else 0
    strides = strides[start:]
    count = argument(neck, 'num_outs') or len(strides)
    while len(strides) < count:
        strides.append(2 * strides[-1])
    step = _hrfpn_stride(neck)
    return [stride * step for stride in strides[:count]]


def _strides_by_running(chain: list[dict], backbone: dict, name: str) -> list[int]:
    levels = probe_neck(backbone, chain)
    strides = [level.stride for level in levels]
    if strides[0] > strides[-1]:
        raise CannotExtendError(
            f'model.neck ({name}) gives strides {strides}, the coarsest level first; its head counts '
            'levels from there, so that no finer one can stand in front'
        )
    if len({level.channels for level in levels}) > 1:
        raise CannotExtendError(
            f'model.neck ({name}) gives levels of {[level.channels for level in levels]} channels at '
            f"strides {[level.stride for level in levels]}; P2' needs levels of one width"
        )
    return strides


def _hrfpn_stride(neck: dict) -> int:
    """Stride of HRFPN's last convs, by which all its levels are coarser; 1 in other necks."""
    return argument(neck, 'stride') if plain_type(neck) == 'HRFPN' else 1


def begin_at_stride_four(
    chain: list[dict],
    plain: tuple[int, ...],
    backbone: dict,
    old: list[Feature],
    new: list[Feature],
) -> list[dict]:
    """The plain neck over a backbone that begins at stride 4, making its first level there.

    Args:
        chain (list[dict]): The neck's modules.
        plain (tuple[int, ...]): Strides of its levels so far.
        backbone (dict): Config of the backbone, without C2'.
        old (list[Feature]): What the backbone gave.
        new (list[Feature]): What it gives now, without C2'.

    Raises:
        CannotExtendError: A neck that cannot begin there.
    """
    first, *refiners = (dict(part) for part in chain)
    num_finer = (plain[0] // C2_STRIDE).bit_length() - 1  # levels between stride 4 and the first
    if num_finer == 0:
        return [first, *refiners]
    if isinstance(argument(first, 'in_channels'), (list, tuple)):
        first['in_channels'] = [feature.channels for feature in new]
    if argument(first, 'start_level'):
        first['start_level'] = 0
        if argument(first, 'end_level') not in (None, -1):
            first['end_level'] += len(new) - len(old)
    if _hrfpn_stride(first) > 1:
        first['stride'] = 1
    if argument(first, 'num_outs') is not None and plain_type(first) not in ONE_LEVEL_AN_INPUT:
        first['num_outs'] = len(plain) + num_finer
    for refiner in refiners:
        if plain_type(refiner) == 'BFP':
            refiner['num_levels'] += num_finer
            refiner['refine_level'] = argument(refiner, 'refine_level') + num_finer
    begun = [first, *refiners]
    if not is_known(chain):
        _check_begin(begun, plain, backbone, num_finer)
    return begun


def width_of_levels(chain: list[dict], backbone: dict) -> int:
    """Width of the neck's levels in channels."""
    return (
        argument(chain[0], 'out_channels')
        if is_known(chain)
        else probe_neck(backbone, chain)[0].channels
    )


def _check_begin(chain: list[dict], plain: tuple[int, ...], backbone: dict, num_finer: int) -> None:
    """Checks by running it that an unknown neck begins at stride 4 with the settings it was given."""
    name = ' and '.join(plain_type(part) for part in chain)
    wanted = [C2_STRIDE * 2**i for i in range(len(plain) + num_finer)]
    try:
        strides = [level.stride for level in probe_neck(backbone, chain)]
    except CannotExtendError as error:
        raise CannotExtendError(
            f'model.neck ({name}) begins at stride {plain[0]} and is wired for {len(plain)} levels: '
            f'with one at stride {C2_STRIDE}, which the extension reads, it does not run ({error})'
        ) from error
    if strides != wanted:
        raise CannotExtendError(
            f'model.neck ({name}) begins at stride {plain[0]}, and the extension reads a level of '
            f'stride {C2_STRIDE}; told to begin there, it gives strides {strides} instead of {wanted}'
        )
