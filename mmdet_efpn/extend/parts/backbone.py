"""The backbone's part: from stride 4 on, with C2' in front."""

from ...models.utils.image_channels import image_channels
from ..probe import Feature, argument, plain_type, probe_backbone, probe_channels
from ..report import CannotExtendError, Report

EXTENDED_TYPES = dict(ResNet='ExtendedResNet', ResNeXt='ExtendedResNeXt')
TAP = 'HighResolutionTap'
C2_STRIDE = 4


def from_stride_four(backbone: dict, features: list[Feature], report: Report) -> dict:
    """The backbone with ``out_indices`` that begin at stride 4, where its outputs begin later.

    Raises:
        CannotExtendError: It has no output at stride 4, or begins with a finer one.
    """
    key = 'model.backbone.out_indices'
    first, indices = features[0], argument(backbone, 'out_indices')
    if first.stride == C2_STRIDE:
        return backbone
    if first.stride < C2_STRIDE or indices is None:
        raise CannotExtendError(
            f'model.backbone ({backbone["type"]}) begins at stride {first.stride}, not at {C2_STRIDE}'
            f'{"" if indices is None else f"; set {key} (now {tuple(indices)}) so that it does"}'
        )
    for index in range(indices[0] - 1, -1, -1):
        wider = dict(backbone, out_indices=(index, *indices))
        stride = probe_backbone(wider)[0].stride
        if stride == C2_STRIDE:
            report.changed(
                f'{key}: {tuple(indices)} to {(index, *indices)}; the extension reads the '
                f'stride-4 stage too, and the pyramid began at stride {first.stride}'
            )
            return wider
    raise CannotExtendError(
        f'model.backbone ({backbone["type"]}) gives strides {[f.stride for f in features]} and has no '
        f'output at stride {C2_STRIDE} among its earlier {key}'
    )


def extend_backbone(backbone: dict, c2_prime: str | None, report: Report) -> dict:
    """The backbone that gives C2' as well; it already begins at stride 4."""
    kind = plain_type(backbone)
    if kind in EXTENDED_TYPES:
        c2_prime = c2_prime or 'stem'
        source = dict(stem='its stem', shared='its stage 2 at stride 2').get(c2_prime, c2_prime)
        report.changed(
            f"model.backbone: {kind} to {EXTENDED_TYPES[kind]}, which gives C2', {source}, in "
            'front of the stages; weights of the plain one load unchanged'
        )
        return dict(backbone, type=EXTENDED_TYPES[kind], c2_prime=c2_prime)
    if c2_prime is not None:
        raise CannotExtendError(
            f'c2_prime={c2_prime!r} chooses between two sources in ResNet and ResNeXt; leave it out for '
            f'{kind}, where {TAP} takes the only one'
        )
    report.changed(
        f"model.backbone: {kind} inside {TAP}, which adds C2' at stride 2 in front of its "
        'outputs; weights of the plain one load unchanged'
    )
    tap: dict = dict(type=TAP, backbone=backbone)
    channels = probe_channels(backbone)
    if channels != image_channels(tap):  # the tap reads its backbone's in_channels, not other names
        tap['in_channels'] = channels
    return tap
