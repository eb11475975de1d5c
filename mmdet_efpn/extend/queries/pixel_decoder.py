"""MaskFormer and Mask2Former: a pixel decoder that makes masks of the levels."""

from mmengine.config import Config

from ..kinds import is_a
from ..neck import Levels
from ..report import Report

VIDEO = 'Mask2FormerVideo'
NECK_INSIDE = 'PyramidBackbone'


def pyramid_for_pixel_decoder(widths: list[int], model: dict) -> dict:
    """The FPN that stands between backbone and pixel decoder, which reads stages without a neck."""
    width = model[_head_key(model)]['feat_channels']
    return dict(type='FPN', in_channels=widths, out_channels=width, num_outs=len(widths))


def _head_key(model: dict) -> str:
    return 'track_head' if is_a(model, VIDEO) else 'panoptic_head'


def extend_pixel_decoder_head(model: dict, levels: Levels, report: Report) -> None:
    """Lets a MaskFormer or Mask2Former head, in place, read the extended pyramid.

    The pixel decoder's encoder attends to the same coarse levels as before; the finest level makes the
    mask features.
    """
    key = _head_key(model)
    head = model[key]
    widths, strides = [head['feat_channels']] * len(levels.extended), list(levels.extended)
    extended = dict(head, in_channels=widths)
    said = f'in_channels {widths}'
    if is_a(head['pixel_decoder'], 'MSDeformAttnPixelDecoder'):
        # The head does not hand its own strides on: its pixel decoder would keep 4 to 32.
        extended.update(strides=strides, pixel_decoder=dict(head['pixel_decoder'], strides=strides))
        said += f', strides and pixel_decoder.strides {strides}'
    report.changed(
        f'model.{key}: {said}; its pixel decoder makes the mask features of the finest level, '
        'and its encoder attends to as many coarse levels as before'
    )
    report.left(
        f'model.{key}.pixel_decoder: reads pyramid levels now, not backbone stages, so '
        'that its input convs start untrained'
    )
    model[key] = extended
    if is_a(model, VIDEO):
        neck = model.pop('neck')
        model['backbone'] = dict(type=NECK_INSIDE, backbone=model['backbone'], neck=neck)
        report.changed(
            f'model.backbone: with its neck inside {NECK_INSIDE}, since {VIDEO} takes no neck'
        )


def keep_rates_of_neck(cfg: Config, report: Report) -> None:
    """Lets a neck that lies inside the backbone's config, in place, learn as fast as other necks.

    Rules for ``backbone`` in the optimiser's ``custom_keys`` would be for the neck too.
    """
    if not is_a(cfg.model, VIDEO):
        return
    rules = ((cfg.get('optim_wrapper') or {}).get('paramwise_cfg') or {}).get('custom_keys') or {}
    if 'backbone' in rules and 'backbone.neck' not in rules:
        rules['backbone.neck'] = dict(lr_mult=1.0, decay_mult=1.0)
        report.changed(
            "optim_wrapper.paramwise_cfg.custom_keys: backbone.neck, so that the backbone's rule is not "
            "the neck's"
        )
