"""Two-stage heads: where proposals come from, and which level each RoI is pooled from."""

from mmdet.models.roi_heads.bbox_heads import BBoxHead
from mmdet.models.roi_heads.mask_heads import FusedSemanticHead
from mmdet.registry import MODELS

from ...utils.errors import UserError
from ..probe import argument, plain_type
from ..report import CannotExtendError, Report
from .dense_head import extend_dense_head
from .priors import extend_prior_generator, halved, smallest_anchor
from .pyramid import Levels

P2_PRIME_STRIDE = 2
SMALL_ANCHOR = 8  # px
# box heads with more than the one class layer and the one box layer
SPLIT = ('DoubleConvFCBBoxHead', 'MultiInstanceBBoxHead', 'SABLHead')


def extend_rpn_head(head: dict, levels: Levels, on_p2_prime: bool | None, report: Report) -> dict:
    """The RPN over the extended pyramid: on P2..P6, or with ``on_p2_prime`` on P2' too.

    An RPN of another kind than MMDetection's ``RPNHead`` cannot leave P2' out.
    """
    key, kind = 'model.rpn_head', plain_type(head)
    if kind == 'EmbeddingRPNHead':
        if on_p2_prime:
            raise UserError(
                f'rpn_on_p2_prime=True: {key} ({kind}) learns its proposals and reads no level'
            )
        report.left(f'{key}: {kind} learns its proposals and reads no level')
        return head
    if not levels.added:
        return head
    if kind != 'RPNHead':
        if on_p2_prime is False:
            raise UserError(
                f"rpn_on_p2_prime=False: {key} ({kind}) runs on all levels; only RPNHead can leave P2' "
                'out'
            )
        extended = extend_dense_head(head, levels, report, key)
        report.left(f"{key}: {kind} proposes on P2' too; only RPNHead can leave it out")
        return extended
    extended = dict(head, type='ExtendedRPNHead')
    generator = argument(head, 'anchor_generator')
    if on_p2_prime:
        extended['on_p2_prime'] = True
        extended['anchor_generator'] = extend_prior_generator(
            generator, levels, f'{key}.anchor_generator'
        )
        report.changed(f"{key}: RPNHead to ExtendedRPNHead, which proposes on P2' too")
        return extended
    extended['anchor_generator'] = extend_prior_generator(
        generator, Levels(levels.plain, levels.extended[1:]), f'{key}.anchor_generator'
    )
    report.changed(
        f"{key}: RPNHead to ExtendedRPNHead, which proposes on all levels but P2', as the "
        "authors' released model does; rpn_on_p2_prime puts it on P2' too"
    )
    smallest = smallest_anchor(extended['anchor_generator'])
    if smallest is not None:
        report.left(
            f'{key}.anchor_generator: its smallest anchors stay {smallest:g} px wide; for '
            f'objects far smaller than that, lower its scales{_for_small_anchors(extended)}'
        )
    return extended


def _for_small_anchors(head: dict) -> str:
    """The scales that make anchors of 8 px, where scales alone set their size."""
    generator = head['anchor_generator']
    if generator.get('base_sizes') or not generator.get('scales'):
        return ''
    stride = generator['strides'][0]
    side = min(stride) if isinstance(stride, (list, tuple)) else stride
    return f'; scales=[{SMALL_ANCHOR / side:g}] makes them {SMALL_ANCHOR} px'


def extend_roi_head(roi_head: dict, levels: Levels, extended_bbox_head: bool, report: Report) -> dict:
    """The RoI head over the extended pyramid: RoIs under 56 px are pooled from P2'."""
    if not levels.added:
        return roi_head
    key, kind = 'model.roi_head', plain_type(roi_head)
    extended = {
        name: _extend_extractors(name, value, levels, report) if 'roi_extractor' in name else value
        for name, value in roi_head.items()
    }
    if 'semantic_head' in extended:
        extended['semantic_head'] = _extend_semantic_head(extended['semantic_head'], levels, report)
    if kind != 'StandardRoIHead':
        report.left(
            f'{key}: {kind} keeps its box head{"s" if "bbox_head" in roi_head else ""}, which '
            "serve P2' as well; a second head for P2' alone is for StandardRoIHead"
        )
        return extended
    if not _is_linear(roi_head.get('bbox_head')):
        report.left(
            f"{key}: its box head serves P2' as well; a second one for P2' alone is for heads that "
            'classify and regress by linear layers'
        )
        return extended
    if plain_type(roi_head['bbox_roi_extractor']) != 'SingleRoIExtractor':
        report.left(
            f'{key}: its extractor pools every RoI from all levels, so there is no second box '
            "head for those of P2'"
        )
        return extended
    extended['type'] = 'ExtendedRoIHead'
    if extended_bbox_head:
        report.changed(
            f'{key}: StandardRoIHead to ExtendedRoIHead, with a second box head, '
            "extended_bbox_head, for the RoIs of P2'; a plain detector's checkpoint gives it the first "
            "head's weights"
        )
    else:
        extended['extended_bbox_head'] = False
        report.changed(
            f'{key}: StandardRoIHead to ExtendedRoIHead, whose one box head serves all '
            'levels, as asked for'
        )
    return extended


def _is_linear(bbox_head) -> bool:
    """Whether a box head has the one class layer and the one box layer that a second head needs."""
    if not isinstance(bbox_head, dict):
        return False
    cls = MODELS.get(bbox_head['type'])
    return isinstance(cls, type) and issubclass(cls, BBoxHead) and plain_type(bbox_head) not in SPLIT


def _extend_extractors(name: str, extractors, levels: Levels, report: Report):
    if isinstance(extractors, (list, tuple)):
        return [
            _extend_extractors(f'{name}[{i}]', extractor, levels, report)
            for i, extractor in enumerate(extractors)
        ]
    if extractors is None:
        return None
    return extend_extractor(f'model.roi_head.{name}', extractors, levels, report)


def extend_extractor(key: str, extractor: dict, levels: Levels, report: Report) -> dict:
    """A RoI extractor that pools from the added levels too."""
    strides = list(extractor['featmap_strides'])
    if strides[0] != levels.plain[0]:
        report.left(f"{key}: reads a map of stride {strides[0]} that is not the pyramid's finest level")
        return extractor
    finest = levels.extended[0]
    name = "P2'" if finest == P2_PRIME_STRIDE else "P3'"
    if len(strides) == 1:
        report.changed(
            f'{key}.featmap_strides: {strides} to [{finest}]; it pools from the finest level, which now '
            f'is {name}'
        )
        return dict(extractor, featmap_strides=[finest])
    extended = dict(extractor, featmap_strides=[*levels.added, *strides])
    scale = argument(extractor, 'finest_scale')
    if scale is None:
        report.changed(f'{key}.featmap_strides: {finest} in front; it pools from {name} as well')
        return extended
    extended['finest_scale'] = scale
    for _ in levels.added:
        extended['finest_scale'] = halved(extended['finest_scale'])
    report.changed(
        f'{key}: featmap_strides from {finest} on and finest_scale {scale} to '
        f'{extended["finest_scale"]}, so that RoIs under {2 * extended["finest_scale"]:g} px are pooled '
        f'from {name} and all others from where they were'
    )
    return extended


def _extend_semantic_head(head: dict, levels: Levels, report: Report) -> dict:
    count = len(levels.added)
    if not issubclass(MODELS.get(head['type']), FusedSemanticHead):
        raise CannotExtendError(
            f'model.roi_head.semantic_head ({plain_type(head)}) reads levels in a way that is not known'
        )
    report.left(
        "a trained plain detector's checkpoint: the laterals of model.roi_head.semantic_head "
        'have a new index; mmdet-efpn extend-weights moves them'
    )
    report.changed(
        'model.roi_head.semantic_head: num_ins and fusion_level count the new level, so that '
        'it still fuses all levels at its old stride'
    )
    return dict(head, num_ins=head['num_ins'] + count, fusion_level=head['fusion_level'] + count)
