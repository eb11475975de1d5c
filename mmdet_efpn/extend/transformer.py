"""Detectors whose transformer attends to several levels, and those that make masks by queries."""

import copy
from collections.abc import Callable

from mmdet.registry import MODELS

from .co_detr import extend_co_detr
from .neck import Levels
from .probe import plain_type
from .report import CannotExtendError, Report

MULTI_SCALE_DETR = 'DeformableDETR'  # DINO, DDQ, Grounding DINO and others are its children
MASK_FORMER = 'MaskFormer'  # Mask2Former is its child
ONE_LEVEL_DETRS = ('DETR', 'ConditionalDETR', 'DABDETR')
FUSION_HEAD = 'ATSSVLFusionHead'


def is_a(cfg: dict, *names: str) -> bool:
    """Whether a module's class, or one that it inherits from, has one of the names.

    Example:
        >>> is_a(dict(type='DDQDETR'), 'DINO'), is_a(dict(type='DETR'), 'DINO')
        (True, False)
    """
    cls = MODELS.get(cfg['type'])
    own = plain_type(cfg) if cls is None else None
    return own in names or any(parent.__name__ in names for parent in getattr(cls, '__mro__', ()))


def attends_to_levels(model: dict) -> bool:
    """Whether a transformer attends to the levels, whose price is that of all their cells."""
    return level_reader(model) is not None or is_a_fusion_head(model.get('bbox_head'))


def is_a_fusion_head(head) -> bool:
    """Whether a head lets words attend to the cells of all levels, as GLIP's."""
    return isinstance(head, dict) and plain_type(head) == FUSION_HEAD


def reads_stages(model: dict) -> bool:
    """Whether a pixel decoder reads the backbone's stages, without a neck."""
    return model.get('neck') is None and level_reader(model) is extend_pixel_decoder_head


def level_reader(model: dict) -> Callable[[dict, Levels, Report], None] | None:
    """What extends, in place, the parts of a model that read its levels by a transformer.

    Raises:
        CannotExtendError: The detector attends to one level.
    """
    if is_a(model, *ONE_LEVEL_DETRS):
        raise CannotExtendError(
            f'model ({plain_type(model)}) attends to one map, of stride 32, so that there are no levels '
            'to extend; Deformable DETR, DINO and DDQ attend to several, as '
            'mmdet::dino/dino-4scale_r50_8xb2-12e_coco.py'
        )
    if is_a(model, MASK_FORMER):
        return extend_pixel_decoder_head
    if is_a(model, MULTI_SCALE_DETR):
        return extend_multi_scale_detr
    if isinstance(model.get('query_head'), dict):
        return extend_co_detr
    return None


def extend_multi_scale_detr(model: dict, levels: Levels, report: Report) -> None:
    """Tells a multi-scale DETR, in place, how many levels its encoder and decoder attend to.

    Raises:
        CannotExtendError: Encoder or decoder says nowhere how many levels it attends to.
    """
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


def pyramid_for_pixel_decoder(widths: list[int], head: dict) -> dict:
    """The FPN that stands between backbone and pixel decoder, which reads stages without a neck."""
    return dict(type='FPN', in_channels=widths, out_channels=head['feat_channels'], num_outs=len(widths))


def extend_pixel_decoder_head(model: dict, levels: Levels, report: Report) -> None:
    """Lets a MaskFormer or Mask2Former head, in place, read the extended pyramid.

    The pixel decoder's encoder attends to the same coarse levels as before; the finest level makes the
    mask features.
    """
    head = model['panoptic_head']
    widths, strides = [head['feat_channels']] * len(levels.extended), list(levels.extended)
    extended = dict(head, in_channels=widths)
    said = f'in_channels {widths}'
    if is_a(head, 'Mask2FormerHead'):
        # The head does not hand its own strides on: its pixel decoder would keep 4 to 32.
        extended.update(strides=strides, pixel_decoder=dict(head['pixel_decoder'], strides=strides))
        said += f', strides and pixel_decoder.strides {strides}'
    report.changed(
        f'model.panoptic_head: {said}; its pixel decoder makes the mask features of the finest level, '
        'and its encoder attends to as many coarse levels as before'
    )
    report.left(
        'model.panoptic_head.pixel_decoder: reads pyramid levels now, not backbone stages, so '
        'that its input convs start untrained'
    )
    model['panoptic_head'] = extended
