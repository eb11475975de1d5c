"""Weights of a plain detector for its extended twin: what belongs to a level stays with that level."""

from pathlib import Path

import torch
from mmdet.registry import MODELS
from mmengine.registry import init_default_scope
from torch import Tensor, nn

from ..utils.atomic_file import whole_or_not
from ..utils.pretrained import without_weights
from ..utils.read_config import read_config
from .agreement import check_agreement, compare_pyramids
from .alignment import align_weights, renamed, shifts_of_lists
from .fitting import require_checkpoint
from .foreign import Foreign, foreign_weights
from .key_maps import pixels_report
from .names import choose_weights, sets_in, state_dict_of, without_wrappers
from .safe_load import read_checkpoint
from .transfer import Transfer, check_share


def _named_alike(plain: dict[str, Tensor], model: nn.Module) -> nn.Module:
    """The model, or the detector inside it whose weights have the checkpoint's names."""
    parts = [model, *(part for name, part in model.named_children() if name == 'detector')]
    return max(parts, key=lambda part: len(plain.keys() & part.state_dict().keys()))


def extend_weights(
    checkpoint: str | Path,
    config: str | Path,
    out: str | Path,
    use: str | None = None,
    plain_config: str | Path | None = None,
    source: str | None = None,
) -> Transfer:
    """Writes a plain detector's checkpoint for its extended twin.

    Where it lies inside a tracker or a semi-supervised pair, the checkpoint may be of the whole or of
    the detector alone, for the detector's ``init_cfg``; names stay as they are.

    Args:
        checkpoint (str | Path): The plain detector's checkpoint.
        config (str | Path): The extended detector's config, or a plain one's.
        out (str | Path): The file to write; name it in ``load_from``.
        use (str, optional): Which of two sets of weights; see :func:`choose_weights`.
        plain_config (str | Path, optional): The plain detector's config: before anything is written,
            both detectors run on one random image, and the levels that both have must agree.
        source (str, optional): Whose names they have, of ``SOURCES``. Default: told by the names.

    Returns:
        Transfer: What moved, what was left out, and what stays as it is initialised.

    Raises:
        MissingFileError, DamagedFileError, UnsafePickleError: The checkpoint is no file of weights.
        UserError: It is of another network, or has no such set of weights, or levels do not agree;
            nothing is written.
    """
    require_checkpoint(checkpoint)
    init_default_scope('mmdet')
    plain = read_checkpoint(checkpoint)
    cfg = read_config(config)
    foreign = foreign_weights(plain, str(checkpoint), source, use)
    if foreign is not None:
        plain, use = dict(state_dict=foreign.weights), None
    model = MODELS.build(without_weights(cfg.model))
    model.init_weights()
    model = _named_alike(state_dict_of(plain), model)
    weights, transfer = transfer_weights(plain, model, use)
    if foreign is not None:
        _tell_of_source(transfer, foreign, cfg.model)
    check_share(transfer, model.state_dict(), str(checkpoint))
    if plain_config is not None:
        chosen, _ = choose_weights(plain, use)
        _compare(transfer, plain_config, chosen, model, weights)
    with whole_or_not(out) as temporary:
        torch.save(dict(state_dict=weights, meta=plain.get('meta', {})), temporary)
    return transfer


def _compare(
    transfer: Transfer,
    plain_config: str | Path,
    plain: dict[str, Tensor],
    model: nn.Module,
    weights: dict[str, Tensor],
) -> None:
    """Compares the levels of the plain and the extended pyramid; those that differ are an error."""
    transfer.gaps, transfer.reason = compare_pyramids(read_config(plain_config), plain, model, weights)
    check_agreement(transfer.gaps, transfer.reason)


def _tell_of_source(transfer: Transfer, foreign: Foreign, model: dict) -> None:
    """Adds to a transfer what became of another program's weights before it."""
    transfer.renaming, transfer.used = foreign.renaming, foreign.used
    transfer.unwrapped = foreign.unwrapped
    transfer.no_place += foreign.renaming.unknown
    transfer.pixels = pixels_report(foreign.preprocessor, model)


def transfer_weights(
    checkpoint: dict, extended: nn.Module, use: str | None = None
) -> tuple[dict[str, Tensor], Transfer]:
    """A plain detector's weights under the extended one's names, and what became of each.

    Args:
        checkpoint (dict): As :func:`read_checkpoint` gives it.
        extended (nn.Module): The extended detector, initialised.
        use (str, optional): As in :func:`choose_weights`.

    Returns:
        tuple: The state dict, and the :class:`Transfer`.
    """
    target = extended.state_dict()
    transfer = Transfer(unwrapped=without_wrappers(state_dict_of(checkpoint), target)[1])
    halves = [name for name, _ in extended.named_children() if name in ('teacher', 'student')]
    semi = use is None and set(sets_in(checkpoint)) == {'teacher', 'student'}
    written: dict[str, Tensor] = {}
    for half in halves or ['']:
        weights, used = choose_weights(checkpoint, half if half and semi else use)
        if f'{half}: {used}' not in transfer.used:
            transfer.used = '; '.join(filter(None, (transfer.used, f'{half}: {used}' if half else used)))
        module = getattr(extended, half) if half else extended
        prefix = f'{half}.' if half else ''
        weights, taken = _under_names_of(weights, module.state_dict())
        if taken:
            transfer.unwrapped[taken] = len(weights)
        _transfer(weights, module, prefix, written, transfer)
    for name in sorted(set(target) - set(written)):
        first = written.get(name.replace('.extended_bbox_head.', '.bbox_head.'))
        if first is not None and first.shape == target[name].shape:
            transfer.copied.append(name)
        elif not name.endswith('num_batches_tracked'):
            transfer.missing.append(name)
    return written, transfer


def _under_names_of(
    weights: dict[str, Tensor], target: dict[str, Tensor]
) -> tuple[dict[str, Tensor], str]:
    """Weights of a detector that another one wraps, or wrapped, under the names that fit most.

    Also gives what was taken off the names.
    """
    forms = [(weights, '')]
    for prefix in ('detector.', 'model.'):
        inner = {k.removeprefix(prefix): w for k, w in weights.items() if k.startswith(prefix)}
        forms += [(inner, prefix), ({prefix + k: w for k, w in weights.items()}, '')]
    return max(forms, key=lambda form: len(form[0].keys() & target.keys()))


def _transfer(
    plain: dict[str, Tensor],
    module: nn.Module,
    prefix: str,
    written: dict[str, Tensor],
    transfer: Transfer,
) -> None:
    """Adds one detector's weights to ``written``, and their stories to ``transfer``."""
    target = module.state_dict()
    shifts = shifts_of_lists(plain, target)
    aligned = align_weights(plain, module)
    for name, weight in plain.items():
        new = renamed(name, shifts)
        if name.endswith('num_batches_tracked') and new in aligned and new in target:
            written[prefix + new] = aligned[new]
        elif new not in target:
            transfer.no_place.append(prefix + name)
        elif new not in aligned:
            transfer.other_shape.append(prefix + name)
        else:
            written[prefix + new] = aligned[new]
            if aligned[new].shape != weight.shape:
                transfer.widened.append(prefix + new)
            elif new != name:
                transfer.moved[prefix + name] = prefix + new
            else:
                transfer.kept.append(prefix + name)
