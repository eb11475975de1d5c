"""MaskFormer and Mask2Former: a pixel decoder that makes masks of the levels."""

from mmengine.config import Config

from ..kinds import is_a
from ..parts.pyramid import Levels
from ..probe import plain_type
from ..report import CannotExtendError, Report

VIDEO = 'Mask2FormerVideo'
NECK_INSIDE = 'PyramidBackbone'
HEAD_KEYS = ('in_channels', 'feat_channels', 'pixel_decoder')


def pyramid_for_pixel_decoder(widths: list[int], model: dict) -> dict:
    """The FPN that stands between backbone and pixel decoder, which reads stages without a neck."""
    width = _width(model[_head_key(model)])
    return dict(type='FPN', in_channels=widths, out_channels=width, num_outs=len(widths))


def check_pixel_decoder(model: dict) -> None:
    """Checks that a model has a head with a pixel decoder of MMDetection's form.

    Raises:
        CannotExtendError: It has none, or one of another form.
    """
    key = _head_key(model)
    missing = [name for name in HEAD_KEYS if name not in (model.get(key) or {})]
    if missing:
        raise CannotExtendError(
            f'model.{key}.{missing[0]} is missing: {plain_type(model)} makes its masks in a way that is '
            "not known; known are MaskFormer's and Mask2Former's heads"
        )


def takes_videos(model: dict) -> bool:
    """Whether a detector takes videos, not pictures."""
    return is_a(model, VIDEO)


def _head_key(model: dict) -> str:
    return 'track_head' if is_a(model, VIDEO) else 'panoptic_head'


def _width(head: dict) -> int:
    """Width of the levels that a head reads: that of its neck, whose levels are alike, or its own."""
    widths = set(head['in_channels'])
    return widths.pop() if len(widths) == 1 else head['feat_channels']


def extend_pixel_decoder_head(model: dict, levels: Levels, report: Report) -> None:
    """Lets a MaskFormer or Mask2Former head, in place, read the extended pyramid.

    The pixel decoder's encoder attends to the same coarse levels as before; the finest level makes the
    mask features.
    """
    key = _head_key(model)
    head = model[key]
    widths, strides = [_width(head)] * len(levels.extended), list(levels.extended)
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
