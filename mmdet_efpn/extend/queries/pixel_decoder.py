"""MaskFormer and Mask2Former: a pixel decoder that makes masks of the levels."""

from ..kinds import is_a
from ..neck import Levels
from ..report import Report


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
