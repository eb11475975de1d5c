"""The neck's part: FPN becomes EFPN, other known necks go into ExtendedNeck."""

import itertools
from dataclasses import dataclass

import torch

from ..models import PyramidExtension
from ..utils.errors import UserError
from .backbone import C2_STRIDE
from .probe import Feature, argument, plain_type
from .report import CannotExtendError, Report

WRAPPER = 'ExtendedNeck'
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
        CannotExtendError: There is none, or one that is not known.
    """
    if neck is None:
        raise CannotExtendError(
            'model.neck is missing: this detector has no feature pyramid to extend (as a C4 Faster '
            'R-CNN or CornerNet)'
        )
    chain = list(neck) if isinstance(neck, (list, tuple)) else [neck]
    first, *others = (plain_type(part) for part in chain)
    if first not in KNOWN:
        raise CannotExtendError(
            f'model.neck ({first}) is not a neck whose levels are known; known are {", ".join(KNOWN)}, '
            f'and after one of them {" or ".join(REFINERS)}'
        )
    unknown = [name for name in others if name not in REFINERS]
    if unknown:
        raise CannotExtendError(
            f'model.neck[{1 + others.index(unknown[0])}] ({unknown[0]}) is not known; known after a '
            f'pyramid are {" and ".join(REFINERS)}'
        )
    return chain


def plain_strides(chain: list[dict], features: list[Feature]) -> tuple[int, ...]:
    """The strides of the plain neck's levels.

    Raises:
        CannotExtendError: The neck's ``in_channels`` are not the backbone's, or it makes one level.
    """
    neck = chain[0]
    widths = [feature.channels for feature in features]
    if list(neck['in_channels']) != widths:
        raise CannotExtendError(
            f'model.neck.in_channels is {list(neck["in_channels"])}, but model.backbone gives {widths}'
        )
    start = argument(neck, 'start_level') if plain_type(neck) in TAKE_START_LEVEL else 0
    strides = [feature.stride for feature in features][start:]
    count = argument(neck, 'num_outs') or len(strides)
    if count < 2:
        raise CannotExtendError(
            f'model.neck ({plain_type(neck)}) makes one level of stride {strides[0]}: this detector has '
            'no feature pyramid to extend'
        )
    while len(strides) < count:
        strides.append(2 * strides[-1])
    step = _hrfpn_stride(neck)
    strides = [stride * step for stride in strides[:count]]
    if any(b != 2 * a for a, b in itertools.pairwise(strides)):
        raise CannotExtendError(
            f'the levels of model.neck have strides {strides}; each must be twice the one before'
        )
    return tuple(strides)


def _hrfpn_stride(neck: dict) -> int:
    """Stride of HRFPN's last convs, by which all its levels are coarser; 1 in other necks."""
    return argument(neck, 'stride') if plain_type(neck) == 'HRFPN' else 1


def begin_at_stride_four(
    chain: list[dict], plain: tuple[int, ...], old: list[Feature], new: list[Feature]
) -> list[dict]:
    """The plain neck over a backbone that begins at stride 4, making its first level there.

    Args:
        chain (list[dict]): The neck's modules.
        plain (tuple[int, ...]): Strides of its levels so far.
        old (list[Feature]): What the backbone gave.
        new (list[Feature]): What it gives now, without C2'.
    """
    first, *refiners = (dict(part) for part in chain)
    num_finer = (plain[0] // C2_STRIDE).bit_length() - 1  # levels between stride 4 and the first
    if num_finer == 0:
        return [first, *refiners]
    first['in_channels'] = [feature.channels for feature in new]
    kind = plain_type(first)
    if kind in TAKE_START_LEVEL:
        first['start_level'] = 0
        if argument(first, 'end_level') not in (None, -1):
            first['end_level'] += len(new) - len(old)
    if _hrfpn_stride(first) > 1:
        first['stride'] = 1
    if kind not in ONE_LEVEL_AN_INPUT:
        first['num_outs'] = len(plain) + num_finer
    for refiner in refiners:
        if plain_type(refiner) == 'BFP':
            refiner['num_levels'] += num_finer
            refiner['refine_level'] = argument(refiner, 'refine_level') + num_finer
    return [first, *refiners]


def _check_ftt(ftt: dict, channels: int) -> None:
    try:
        with torch.random.fork_rng(devices=[]):  # a random seed set before stays as it was set
            PyramidExtension(None, channels, ftt)
    except Exception as error:
        # Whatever a registry or a module of the user's own says at build.
        raise UserError(f'ftt={ftt!r} cannot be built for {channels} channels: {error}') from error


def light_extension(channels: int) -> dict:
    """The neck's ``extension_cfg`` of the light design, for a pyramid so many channels wide."""
    return dict(channels=max(channels // 2, 1), separable=True, p3_prime_scale=0.1)


def extend_neck(
    chain: list[dict],
    ftt: dict,
    levels: str,
    c2_prime_channels: int | None,
    separable: bool,
    report: Report,
):
    """The neck with the extension; it already begins at stride 4.

    Args:
        chain (list[dict]): The neck's modules.
        ftt (dict): Config of the FTT module.
        levels (str): ``'all'`` or ``'p3_prime'``, as in ``ExtendedNeck``.
        c2_prime_channels (int | None): Width of C2', if the backbone gives one.
        separable (bool): Whether P2' is made by :func:`light_extension`, or by a 3x3 conv.
        report (Report): Takes notes.

    Returns:
        dict | list[dict]: The config for ``model.neck``.

    Raises:
        ValueError: There is no such FTT module, or its arguments do not fit.
    """
    first, *refiners = chain
    kind = plain_type(first)
    channels = argument(first, 'out_channels')
    _check_ftt(ftt, channels)
    conv, options = 'a 3x3 conv', {}
    if separable and levels == 'all':
        light = light_extension(channels)
        conv = f'a depthwise 3x3 and a 1x1 conv on a sum {light["channels"]} wide'
        options = dict(extension_cfg=light)
    keeps_any_level = all(plain_type(refiner) == 'DyHead' for refiner in refiners)
    if kind == 'FPN' and levels == 'all' and keeps_any_level:
        report.changed(
            f"model.neck: FPN to EFPN, whose {ftt['type']} super-resolves P3 and P2 and makes P2' at "
            f"stride 2 of them and C2', by {conv}"
        )
        extended = dict(
            first,
            type='EFPN',
            in_channels=[c2_prime_channels, *first['in_channels']],
            num_outs=first['num_outs'] + 1,
            ftt=ftt,
            **options,
        )
        return [extended, *refiners] if refiners else extended
    made = (
        f"P2' at stride 2 in front of its levels, by {conv}"
        if levels == 'all'
        else "P3', super-resolved to stride 4, in the place of its P2"
    )
    report.changed(
        f'model.neck: {" and ".join(plain_type(part) for part in chain)} inside {WRAPPER}, '
        f'whose {ftt["type"]} makes {made}'
    )
    wrapped: dict = dict(type=WRAPPER, neck=chain if refiners else first, ftt=ftt, **options)
    if levels == 'all':
        wrapped['c2_prime_channels'] = c2_prime_channels
    else:
        wrapped['levels'] = levels
    return wrapped
