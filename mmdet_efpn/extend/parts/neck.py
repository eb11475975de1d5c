"""The neck's part: FPN becomes EFPN, other known necks go into ExtendedNeck."""

import torch

from ...models import PyramidExtension
from ...utils.errors import UserError
from ..probe import plain_type
from ..report import Report
from .pyramid import is_known

WRAPPER = 'ExtendedNeck'


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
    channels: int,
    ftt: dict,
    levels: str,
    c2_prime_channels: int | None,
    separable: bool,
    report: Report,
):
    """The neck with the extension; it already begins at stride 4.

    Args:
        chain (list[dict]): The neck's modules.
        channels (int): Width of its levels.
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
    if not is_known(chain):
        wrapped['out_channels'] = channels
    if levels == 'all':
        wrapped['c2_prime_channels'] = c2_prime_channels
    else:
        wrapped['levels'] = levels
    return wrapped
