"""One-stage heads: every setting that counts levels gets the finer ones in front."""

from collections.abc import Sequence

from .neck import Levels
from .probe import argument, plain_type
from .report import CannotExtendError, Report

STRIDE_KEYS = ('point_strides', 'strides')  # the first that a head has counts
RANGE_KEYS = ('regress_ranges', 'scale_ranges')


def strides_from(strides, levels: Levels, key: str) -> list:
    """Strides with those of the added levels in front; each a number or a pair.

    Raises:
        CannotExtendError: They are not those of the plain pyramid.
    """
    sides = [stride[0] if isinstance(stride, (list, tuple)) else stride for stride in strides]
    if tuple(sides) != levels.plain:
        raise CannotExtendError(
            f'{key} is {list(strides)}, but the levels of model.neck have strides {list(levels.plain)}'
        )
    pairs = isinstance(strides[0], (list, tuple))
    return [*((stride, stride) if pairs else stride for stride in levels.added), *strides]


def finer_ranges(ranges, num_added: int) -> list:
    """Ranges of object sizes in pixels, one a level, with those of finer levels in front.

    Each added range is half the next coarser one; the finest keeps the lower end that the first had.
    The second range tells where the first would begin, were it not the finest.

    Example:
        >>> finer_ranges([(-1, 64), (64, 128), (128, 256)], num_added=2)
        [(-1, 16), (16, 32), (32, 64), (64, 128), (128, 256)]
        >>> finer_ranges([(0, 80), (64, 160)], num_added=1)
        [(0, 40), (32, 80), (64, 160)]
    """
    (lowest, upper), (second_lower, _) = ranges[0], ranges[1]
    finer = [(second_lower // 2 ** (i + 1), upper // 2**i) for i in range(num_added + 1)]
    finer[-1] = (lowest, finer[-1][1])
    return [*reversed(finer), *(tuple(pair) for pair in ranges[1:])]


def extend_prior_generator(generator: dict, levels: Levels, key: str) -> dict:
    """Anchors or points with the added levels in front; anchors grow with the stride.

    Raises:
        CannotExtendError: Its strides are not the pyramid's.
    """
    extended = dict(generator, strides=strides_from(generator['strides'], levels, f'{key}.strides'))
    for name in ('base_sizes', 'centers'):
        if generator.get(name) is not None:
            raise CannotExtendError(
                f'{key}.{name} sets anchors level by level; give scales and ratios instead'
            )
    return extended


def extend_dense_head(head: dict, levels: Levels, report: Report, key: str = 'model.bbox_head') -> dict:
    """A one-stage head for the extended pyramid.

    Raises:
        CannotExtendError: The head has no setting that counts levels.
    """
    if not levels.added:
        return head
    extended, touched = dict(head), []

    def put(name: str, value) -> None:
        extended[name] = value
        touched.append(name)

    for name in ('anchor_generator', 'approx_anchor_generator', 'square_anchor_generator'):
        generator = argument(head, name)
        if generator is not None:
            put(name, extend_prior_generator(generator, levels, f'{key}.{name}'))
            report.changed(
                f'{key}.{name}.strides: begin with {levels.extended[0]}, so that anchors or '
                f'points stand on the new level{_s(levels)} {_list(levels)}'
            )
    for name in STRIDE_KEYS:
        strides = argument(head, name)
        if strides is not None:
            put(name, strides_from(strides, levels, f'{key}.{name}'))
            report.changed(
                f'{key}.{name}: begin with {levels.extended[0]}, so that points stand on '
                f'the new level{_s(levels)} {_list(levels)}'
            )
            break
    for name in RANGE_KEYS:
        ranges = argument(head, name)
        if ranges is not None:
            put(name, finer_ranges(ranges, len(levels.added)))
            report.changed(
                f'{key}.{name}: {tuple(ranges[0])} of the former finest level split, so that '
                f'the smallest objects, {extended[name][0]} px, belong to the new finest one'
            )
    edges = argument(head, 'base_edge_list')
    if edges is not None:
        halves = [edges[0] // 2**i for i in range(len(levels.added), 0, -1)]
        put('base_edge_list', [*halves, *edges])
        report.changed(
            f'{key}.base_edge_list: {halves} in front, the boxes that the new levels start from'
        )
    if not touched:
        raise CannotExtendError(
            f'{key} ({plain_type(head)}) has no strides, anchors or points to give the new levels'
        )
    if 'num_ins' in head:
        put('num_ins', head['num_ins'] + len(levels.added))
    if levels.added[0] == 2:
        report.left(
            f'{key}: runs on {_cells(levels.extended) / _cells(levels.plain):.0f} times as many '
            'cells as before; with levels="p3_prime", whose finest stride is 4, on '
            f'{_cells(levels.extended[1:]) / _cells(levels.plain):.0f} times as many'
        )
    return extended


def _cells(strides: Sequence[int]) -> float:
    """Cells of a pyramid for each pixel of the image."""
    return sum(stride**-2 for stride in strides)


def _s(levels: Levels) -> str:
    return 's' if len(levels.added) > 1 else ''


def _list(levels: Levels) -> str:
    return ' and '.join(f'of stride {stride}' for stride in levels.added)
