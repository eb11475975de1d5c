"""Whether a plain detector's weights load into its extended twin, with the extension alone missing."""

import torch
from torch import nn

from ...checkpoints import align_weights, grown_lists
from ..report import CannotExtendError

# Parts of names of weights that only the extended detector has.
NEW = ('extension.', 'extended_bbox_head.', 'stride_two_stem.')
# Read stages before and pyramid levels after: extend_config says that these start untrained.
READ_OTHERS = (
    'pixel_decoder.input_convs.',
    'pixel_decoder.lateral_convs.',
    'pixel_decoder.encoder_in_proj.',
    'pixel_decoder.last_feat_conv.',
    'decoder_input_proj.',
    'neck.',
)


def check_plain_weights(plain: nn.Module, extended: nn.Module, new: tuple[str, ...] = ()) -> None:
    """Checks, by names and shapes, what loading the plain detector's weights leaves out.

    Args:
        plain (nn.Module): The plain detector; its weights may be on the meta device.
        extended (nn.Module): The extended detector.
        new (tuple[str, ...]): Parts of names of further weights that are new by design.

    Raises:
        CannotExtendError: A plain weight has no place, or another weight than the extension's would
            stay random; the message names it.
    """
    target = extended.state_dict()
    # without values: memory that is not touched is not taken
    weights = {n: torch.empty_like(w, device='cpu') for n, w in plain.state_dict().items()}
    aligned = align_weights(weights, extended)
    placed = {id(weight) for name, weight in aligned.items() if name in target}
    lost = [
        name
        for name, weight in weights.items()
        if id(weight) not in placed and name not in aligned and not any(part in name for part in new)
    ]
    if lost:
        raise CannotExtendError(
            f'model: {len(lost)} weights of the plain detector would have no place in the extended '
            f'one, among them {lost[0]}'
        )
    added = (*NEW, *new, *_norms_of_added_stages(plain, extended))
    # New parts of these lists start untrained, which extend_config says.
    levels = tuple(f'{name}.' for name in grown_lists(weights, target))
    # One weight may have several names: DDQ's decoder gets its head's branches when it first runs.
    weights_of = dict(extended.named_parameters(remove_duplicate=False))
    filled = {id(weights_of[name]) for name in aligned if name in weights_of}
    left = [
        name
        for name in target
        if name not in aligned
        and id(weights_of.get(name)) not in filled
        and not name.startswith(levels)
        and not any(part in name for part in added)
    ]
    if left:
        raise CannotExtendError(
            f'model: {len(left)} weights besides the extension would not come from a plain '
            f'checkpoint, among them {left[0]}'
        )


def _norms_of_added_stages(plain: nn.Module, extended: nn.Module) -> list[str]:
    """Names of norms that a backbone has for each stage it gives, of stages that the plain one keeps.

    A Swin Transformer of ``out_indices=(1, 2, 3)`` has no ``norm0``.
    """
    before, after = (_stages(model) for model in (plain, extended))
    return [f'backbone.norm{stage}.' for stage in after - before]


def _stages(model: nn.Module) -> set[int]:
    backbone = getattr(model, 'backbone', None)
    return set(getattr(getattr(backbone, 'backbone', backbone), 'out_indices', None) or ())
