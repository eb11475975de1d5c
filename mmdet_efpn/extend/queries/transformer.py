"""Detectors whose transformer attends to several levels, and those that make masks by queries."""

import copy
from collections.abc import Callable

from ..kinds import is_a
from ..parts.pyramid import Levels
from ..probe import plain_type
from ..report import CannotExtendError, Report
from .co_detr import extend_co_detr
from .pixel_decoder import check_pixel_decoder, extend_pixel_decoder_head
from .pooling import extend_pooling_head, is_a_pooling_head

MULTI_SCALE_DETR = 'DeformableDETR'  # DINO, DDQ, Grounding DINO and others are its children
MASK_FORMERS = ('MaskFormer', 'Mask2FormerVideo')  # Mask2Former is a child of the first
ONE_LEVEL_DETRS = ('DETR', 'ConditionalDETR', 'DABDETR')
FUSION_HEAD = 'ATSSVLFusionHead'
ENCODER_KEYS = (
    'num_layers',
    'layer_cfg',
    'num_cp',
    'init_cfg',
    'text_layer_cfg',
    'fusion_layer_cfg',
)


def attends_to_levels(model: dict) -> bool:
    """Whether a transformer attends to the levels, whose price is that of all their cells."""
    if is_a_fusion_head(model.get('bbox_head')):
        return True
    return level_reader(model) not in (None, extend_pooling_head)


def is_a_fusion_head(head) -> bool:
    """Whether a head lets words attend to the cells of all levels, as GLIP's."""
    return isinstance(head, dict) and plain_type(head) == FUSION_HEAD


def reads_stages(model: dict) -> bool:
    """Whether a pixel decoder reads the backbone's stages, without a neck."""
    return model.get('neck') is None and level_reader(model) is extend_pixel_decoder_head


def level_reader(model: dict) -> Callable[[dict, Levels, Report], None] | None:
    """What extends, in place, the parts of a model that read its levels for queries.

    Raises:
        CannotExtendError: The detector attends to one level.
    """
    if is_a(model, *ONE_LEVEL_DETRS):
        raise CannotExtendError(
            f'model ({plain_type(model)}) attends to one map alone, so that there are no levels '
            'to extend; Deformable DETR, DINO and DDQ attend to several, as '
            'mmdet::dino/dino-4scale_r50_8xb2-12e_coco.py'
        )
    if is_a(model, *MASK_FORMERS):
        check_pixel_decoder(model)
        return extend_pixel_decoder_head
    if is_a(model, MULTI_SCALE_DETR):
        return extend_multi_scale_detr
    if isinstance(model.get('query_head'), dict):
        return extend_co_detr
    if is_a_pooling_head(model.get('bbox_head')):
        return extend_pooling_head
    return None


def extend_multi_scale_detr(model: dict, levels: Levels, report: Report) -> None:
    """Tells a multi-scale DETR, in place, how many levels its encoder and decoder attend to.

    Raises:
        CannotExtendError: Encoder or decoder says nowhere how many levels it attends to.
    """
    own = [key for key in model['encoder'] if key not in ENCODER_KEYS]
    if own:
        raise CannotExtendError(
            f'model.encoder.{own[0]}: the encoder of {plain_type(model)} is not one that attends to all '
            'levels alike, as that of Deformable DETR and DINO'
        )
    count = len(levels.extended)
    model['num_feature_levels'] = count
    for part, attention in (('encoder', 'self_attn_cfg'), ('decoder', 'cross_attn_cfg')):
        settings = copy.deepcopy(model[part])
        if attention not in settings.get('layer_cfg', ()):
            raise CannotExtendError(
                f'model.{part}.layer_cfg.{attention} is missing: {plain_type(model)} attends to its '
                'levels in a way that is not known'
            )
        settings['layer_cfg'][attention]['num_levels'] = count
        model[part] = settings
    report.changed(
        f"model.num_feature_levels, and num_levels of the encoder's and the decoder's attention: "
        f'{count}, strides {list(levels.extended)}; {tokens_said(levels)}'
    )


def tokens_said(levels: Levels) -> str:
    """How many times as many cells an encoder attends to, in words."""
    tokens, before = (sum(stride**-2 for stride in side) for side in (levels.extended, levels.plain))
    return f'the encoder has {tokens / before:.1f} times as many tokens'
