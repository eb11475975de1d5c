"""Backbone and neck of a detector, with the extended level."""

from ...utils.errors import UserError
from ..probe import Feature, probe_backbone, rounds_up
from ..queries import pyramid_for_pixel_decoder, reads_stages
from ..report import Report
from .backbone import C2_STRIDE, extend_backbone, from_stride_four
from .neck import extend_neck
from .pyramid import Levels, as_chain, begin_at_stride_four, plain_strides, width_of_levels

PAD = 32  # stride of C5


def extend_features(
    model: dict,
    ftt: dict | None,
    c2_prime: str | None,
    levels: str,
    separable: bool | None,
    report: Report,
) -> Levels:
    """Extends backbone and neck in place; gives the strides that the heads receive.

    Args:
        model (dict): The detector.
        ftt (dict | None): Config of the FTT module, or ``None`` for the light one.
        c2_prime (str | None): Where C2' comes from in ResNet and ResNeXt.
        levels (str): ``'all'`` or ``'p3_prime'``.
        separable (bool | None): Whether P2' is made by a depthwise and a 1x1 conv.
        report (Report): Takes notes.

    Raises:
        CannotExtendError: Backbone or neck cannot give the levels.
    """
    before = probe_backbone(model['backbone'])
    if reads_stages(model):
        model['neck'] = pyramid_for_pixel_decoder([f.channels for f in before], model)
        report.changed(
            'model.neck: an FPN between backbone and pixel decoder, for the extension; '
            'it starts untrained'
        )
    chain = as_chain(model.get('neck'))
    plain = plain_strides(chain, model['backbone'], before)
    backbone = model['backbone']
    if plain[0] != C2_STRIDE or before[0].stride < C2_STRIDE:
        backbone = from_stride_four(backbone, before, report)
    features = before if backbone is model['backbone'] else probe_backbone(backbone)
    chain = begin_at_stride_four(chain, plain, backbone, before, features)
    channels = width_of_levels(chain, backbone)
    width = None
    if levels == 'all':
        backbone = extend_backbone(backbone, c2_prime, report)
        features = probe_backbone(backbone)
        width = features[0].channels
    elif c2_prime is not None:
        raise UserError(f"c2_prime={c2_prime!r} does not go with levels={levels!r}, which has no P2'")
    elif separable is not None:
        raise UserError(f"separable={separable!r} does not go with levels={levels!r}, which has no P2'")
    model['backbone'] = backbone
    _pad_to_octaves(model, features, report)
    model['neck'] = extend_neck(
        chain,
        channels,
        ftt or dict(type='LightFTT'),
        levels,
        width,
        separable is not False,
        report,
    )
    finest = 2 if levels == 'all' else 4
    strides = [finest]
    while strides[-1] < plain[-1]:
        strides.append(2 * strides[-1])
    if len(strides) > len(plain):
        report.changed(f'levels: strides {list(plain)} to {strides}')
    if plain[0] > C2_STRIDE:
        report.left(
            "a trained plain detector's checkpoint: parts that neck and head keep level by "
            'level have a new index; mmdet-efpn extend-weights moves them'
        )
    report.levels = Levels(plain, tuple(strides))
    return report.levels


def _pad_to_octaves(model: dict, features: list[Feature], report: Report) -> None:
    """Pads images, in place, where the backbone would give sizes that are no octaves."""
    preprocessor = model.get('data_preprocessor')
    padded = preprocessor and preprocessor.get('pad_size_divisor', 1) % PAD == 0
    if padded or rounds_up(model['backbone'], features):
        return
    if not preprocessor:
        report.left(
            'model.data_preprocessor: missing, but this backbone rounds sizes down: let the '
            f'sides of images be multiples of {PAD}'
        )
        return
    model['data_preprocessor'] = dict(preprocessor, pad_size_divisor=PAD)
    report.changed(
        f'model.data_preprocessor.pad_size_divisor: {PAD}, since this backbone rounds sizes '
        'down, and the extension needs levels that are each half of the one before'
    )
