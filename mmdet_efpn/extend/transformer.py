"""Detectors whose transformer attends to several levels: Deformable DETR, DINO, Mask2Former."""

import copy

from .pyramid import Levels
from .report import Report

MULTI_SCALE_DETRS = ('DeformableDETR', 'DINO')
PIXEL_DECODER_DETECTORS = ('Mask2Former',)


def extend_multi_scale_detr(model: dict, levels: Levels, report: Report) -> None:
    """Tells a multi-scale DETR, in place, how many levels its encoder and decoder attend to."""
    count = len(levels.extended)
    model['num_feature_levels'] = count
    for part, attention in (('encoder', 'self_attn_cfg'), ('decoder', 'cross_attn_cfg')):
        settings = copy.deepcopy(model[part])
        settings['layer_cfg'][attention]['num_levels'] = count
        model[part] = settings
    tokens = sum((2 * levels.plain[0] / stride) ** 2 for stride in levels.extended)
    before = sum((2 * levels.plain[0] / stride) ** 2 for stride in levels.plain)
    report.changed(
        f"model.num_feature_levels, and num_levels of the encoder's and the decoder's attention: "
        f'{count}, strides {list(levels.extended)}; the encoder has {tokens / before:.1f} times as many '
        'tokens'
    )


def pyramid_for_pixel_decoder(widths: list[int], head: dict) -> dict:
    """The FPN that stands between backbone and pixel decoder, which reads stages without a neck."""
    return dict(type='FPN', in_channels=widths, out_channels=head['feat_channels'], num_outs=len(widths))


def extend_pixel_decoder_head(head: dict, levels: Levels, report: Report) -> dict:
    """A Mask2Former head that reads the extended pyramid in the place of the backbone's stages.

    The pixel decoder's encoder attends to the same coarse levels as before; the finest level makes the
    mask features.
    """
    widths = [head['feat_channels']] * len(levels.extended)
    report.changed(
        f'model.panoptic_head: in_channels {widths} and strides {list(levels.extended)}; its pixel '
        'decoder makes the mask features of the finest level, and its encoder attends to as many coarse '
        'levels as before'
    )
    report.left(
        'model.panoptic_head.pixel_decoder: reads pyramid levels now, not backbone stages, so '
        'that its input convs start untrained'
    )
    return dict(head, in_channels=widths, strides=list(levels.extended))
