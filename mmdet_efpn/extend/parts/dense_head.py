"""Heads on whole maps: every setting that counts levels gets the finer ones in front."""

from ..probe import argument, plain_type
from ..report import CannotExtendError, Report
from .mask_head import fit_mask_loss
from .priors import extend_prior_generator, finer_entries, halved, strides_from
from .pyramid import Levels

GENERATOR_KEYS = ('anchor_generator', 'approx_anchor_generator', 'square_anchor_generator')
STRIDE_KEYS = ('point_strides', 'strides')  # the first that a head has counts
RANGE_KEYS = ('regress_ranges', 'scale_ranges')


def finer_ranges(ranges, num_added: int) -> list:
    """Ranges of object sizes in pixels, one a level, with those of finer levels in front.

    Each added range is half the next coarser one; the finest keeps the lower end that the first had.
    The second range tells where the first would begin, were it not the finest.

    Example:
        >>> finer_ranges([(-1, 64), (64, 128), (128, 256)], num_added=2)
        [(-1, 16), (16, 32), (32, 64), (64, 128), (128, 256)]
        >>> finer_ranges([(0, 80), (64, 160)], num_added=1)
        [(0, 40), (32, 80), (64, 160)]
        >>> finer_ranges([(-1, 45), (45, 90)], num_added=1)
        [(-1, 22.5), (22.5, 45), (45, 90)]
    """
    lowest, upper = ranges[0]
    finer = finer_entries([(halved(ranges[1][0]), upper)], num_added)
    finer[0] = (lowest, finer[0][1])
    return [*finer, *(tuple(pair) for pair in ranges[1:])]


def extend_dense_head(head: dict, levels: Levels, report: Report, key: str = 'model.bbox_head') -> dict:
    """A head on whole maps for the extended pyramid: a one-stage head, or an RPN of any kind.

    Raises:
        CannotExtendError: The head has no setting that counts levels.
    """
    if not levels.added:
        return head
    if isinstance(head.get('stages'), (list, tuple)):  # Cascade RPN
        stages = [
            extend_dense_head(stage, levels, report, f'{key}.stages[{place}]')
            for place, stage in enumerate(head['stages'])
        ]
        return dict(head, stages=stages)
    touched = {
        **_finer_priors(head, levels, report, key),
        **_finer_strides(head, levels, report, key),
        **_finer_ranges(head, levels, report, key),
    }
    if not touched:
        raise CannotExtendError(
            f'{key} ({plain_type(head)}) has no strides, anchors or points to give the new levels'
        )
    extended = fit_mask_loss(dict(head, **touched), levels, key, report)
    if 'num_ins' in head:
        extended['num_ins'] = head['num_ins'] + len(levels.added)
    return extended


def _finer_priors(head: dict, levels: Levels, report: Report, key: str) -> dict:
    """The head's anchor or point generators, with the new levels."""
    names = [name for name in GENERATOR_KEYS if name in head]
    if not names:  # those that no one wrote
        names = [name for name in GENERATOR_KEYS if argument(head, name) is not None]
        if len(names) > 1:  # guided anchoring has two of its own and does not use its parent's
            names = [name for name in names if name != 'anchor_generator']
    extended = {}
    for name in names:
        generator = argument(head, name)
        extended[name] = extend_prior_generator(generator, levels, f'{key}.{name}')
        report.changed(
            f'{key}.{name}.strides: begin with {levels.extended[0]}, so that anchors or '
            f'points stand on the new level{_s(levels)} {_list(levels)}'
        )
    return extended


def _finer_strides(head: dict, levels: Levels, report: Report, key: str) -> dict:
    """The head's own list of strides, with the new levels."""
    for name in STRIDE_KEYS:
        strides = argument(head, name)
        if strides is not None:
            report.changed(
                f'{key}.{name}: begin with {levels.extended[0]}, so that points stand on '
                f'the new level{_s(levels)} {_list(levels)}'
            )
            return {name: strides_from(strides, levels, f'{key}.{name}')}
    return {}


def _finer_ranges(head: dict, levels: Levels, report: Report, key: str) -> dict:
    """The sizes of objects that each level takes, with those of the new levels."""
    extended = {}
    for name in RANGE_KEYS:
        ranges = argument(head, name)
        if ranges is not None:
            extended[name] = finer_ranges(ranges, len(levels.added))
            report.changed(
                f'{key}.{name}: {tuple(ranges[0])} of the former finest level split, so that '
                f'the smallest objects, {extended[name][0]} px, belong to the new finest one'
            )
    edges = argument(head, 'base_edge_list')
    if edges is not None:
        extended['base_edge_list'] = finer_entries(edges, len(levels.added))
        report.changed(
            f'{key}.base_edge_list: {extended["base_edge_list"][: len(levels.added)]} in front, the '
            'boxes that the new levels start from'
        )
    return extended


def _s(levels: Levels) -> str:
    return 's' if len(levels.added) > 1 else ''


def _list(levels: Levels) -> str:
    return ' and '.join(f'of stride {stride}' for stride in levels.added)
