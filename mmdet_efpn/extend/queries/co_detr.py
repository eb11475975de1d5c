"""Co-DETR: a query head whose encoder attends to the levels, and auxiliary heads on what it gives."""

from ...utils.config_parts import typed_parts
from ..parts.dense_head import extend_dense_head, extend_prior_generator
from ..parts.pyramid import Levels
from ..parts.two_stage import extend_extractor
from ..probe import plain_type
from ..report import CannotExtendError, Report

ATTENTION = 'MultiScaleDeformableAttention'


def extend_co_detr(model: dict, levels: Levels, report: Report) -> None:
    """Tells Co-DETR's query head and auxiliary heads, in place, of the levels.

    The auxiliary heads read the encoder's levels and one more, which the query head makes of the
    coarsest. They are there for training; all of them read the new level.

    Raises:
        CannotExtendError: The query head or an auxiliary one reads levels in a way that is not known.

    Source: arXiv:2211.12860, section 3.2.
    """
    head, count = model['query_head'], len(levels.extended)
    transformer = head.get('transformer')
    if not any(plain_type(part) == ATTENTION for _, part in typed_parts(transformer, 'transformer')):
        raise CannotExtendError(
            f'model.query_head.transformer has no {ATTENTION} that could take {count} levels'
        )
    transformer = dict(with_levels(transformer, count), num_feature_levels=count)
    model['query_head'] = dict(head, transformer=transformer)
    report.changed(
        f'model.query_head.transformer: num_feature_levels, and num_levels of each {ATTENTION}, '
        f'{count}, strides {list(levels.extended)}'
    )
    if not levels.added:
        return
    for key in ('rpn_head', 'roi_head', 'bbox_head'):
        extend = dict(rpn_head=_extend_rpn, roi_head=_extend_roi, bbox_head=extend_dense_head)[key]
        part = model.get(key)
        if isinstance(part, (list, tuple)):
            model[key] = [
                one and extend(one, _read_by(one, levels), report, f'model.{key}[{place}]')
                for place, one in enumerate(part)
            ]
        elif part is not None:
            model[key] = extend(part, _read_by(part, levels), report, f'model.{key}')


def with_levels(cfg, count: int):
    """A copy of a config in which each deformable attention has so many levels.

    Example:
        >>> with_levels([dict(type='MultiScaleDeformableAttention', num_levels=4)], 5)
        [{'type': 'MultiScaleDeformableAttention', 'num_levels': 5}]
    """
    if isinstance(cfg, dict):
        own = dict(num_levels=count) if 'type' in cfg and plain_type(cfg) == ATTENTION else {}
        return {key: with_levels(value, count) for key, value in cfg.items()} | own
    if isinstance(cfg, (list, tuple)):
        return type(cfg)(with_levels(value, count) for value in cfg)
    return cfg


def _read_by(head: dict, levels: Levels) -> Levels:
    """The levels that an auxiliary head reads: with the one that the query head adds, or without."""
    strides = (head.get('anchor_generator') or {}).get('strides', ())
    if len(strides) != len(levels.plain) + 1:
        return levels
    coarsest = 2 * levels.plain[-1]
    return Levels((*levels.plain, coarsest), (*levels.extended, coarsest))


def _extend_rpn(head: dict, levels: Levels, report: Report, key: str) -> dict:
    generator = extend_prior_generator(head['anchor_generator'], levels, f'{key}.anchor_generator')
    report.changed(f'{key}.anchor_generator.strides: begin with {levels.extended[0]}')
    return dict(head, anchor_generator=generator)


def _extend_roi(head: dict, levels: Levels, report: Report, key: str) -> dict:
    return {
        name: extend_extractor(f'{key}.{name}', value, levels, report)
        if name.endswith('roi_extractor') and isinstance(value, dict)
        else value
        for name, value in head.items()
    }
