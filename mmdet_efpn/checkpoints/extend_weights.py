"""Weights of a plain detector for its extended twin: what belongs to a level stays with that level."""

import re
from collections.abc import Collection
from pathlib import Path

import torch
from mmcv.ops import MultiScaleDeformableAttention
from mmdet.registry import MODELS
from mmengine.registry import init_default_scope
from torch import Tensor, nn

from ..utils.atomic_file import whole_or_not
from ..utils.pretrained import without_weights
from ..utils.read_config import read_config
from .agreement import check_agreement, compare_pyramids
from .fitting import require_checkpoint
from .names import choose_weights, sets_in, state_dict_of, without_wrappers
from .safe_load import read_checkpoint
from .transfer import Transfer, check_share

# These lists of a neck begin at the coarsest level, so that finer ones come last.
COARSEST_FIRST = ('reduce_layers', 'top_down_blocks')


def align_weights(plain: dict[str, Tensor], extended: nn.Module) -> dict[str, Tensor]:
    """Renames and reshapes a plain detector's weights for the extended one.

    Where a module keeps one part for each level (the laterals of an FPN that began at stride 8, a
    one-stage head's scales or norms), the extended detector has finer levels in front, and its part i
    is no longer the plain detector's part i. Attention over several levels gets the new one in front
    too, with the weights that ``extended`` has now.

    Args:
        plain (dict[str, Tensor]): State dict of the plain detector.
        extended (nn.Module): The detector that :func:`mmdet_efpn.extend_config` makes of its config.

    Returns:
        dict[str, Tensor]: The same weights under the extended detector's names; what has another shape
        there and no level to explain it is left out. Load it with ``strict=False``.
    """
    target = extended.state_dict()
    shifts = _shifts(plain, target)
    aligned = {_renamed(name, shifts): weight for name, weight in plain.items()}
    attention = {
        name: module
        for name, module in extended.named_modules()
        if isinstance(module, MultiScaleDeformableAttention)
    }
    for name, weight in list(aligned.items()):
        if name in target and target[name].shape != weight.shape:
            wider = _with_finer_levels(name, weight, target[name], attention)
            if wider is None:
                del aligned[name]
            else:
                aligned[name] = wider
    return aligned


def _counts(names: Collection[str]) -> dict[str, set[int]]:
    """The indices below each name that is followed by an index: the parts of each list of modules."""
    lists: dict[str, set[int]] = {}
    for name in names:
        for match in re.finditer(r'\.(\d+)(?=\.|$)', name):
            lists.setdefault(name[: match.start()], set()).add(int(match[1]))
    return lists


def grown_lists(plain: Collection[str], extended: Collection[str]) -> dict[str, int]:
    """The lists of modules that have more parts in the extended detector, and how many more.

    Args:
        plain (Collection[str]): Names of the plain detector's weights.
        extended (Collection[str]): Names of the extended one's.

    Example:
        >>> grown_lists(['bbox_head.scales.0.scale'], [f'bbox_head.scales.{i}.scale' for i in (0, 1)])
        {'bbox_head.scales': 1}
    """
    after = _counts(extended)
    grown = {name: len(after.get(name, ())) - len(parts) for name, parts in _counts(plain).items()}
    # The backbone's lists are blocks, in which no level is new: there, more is another depth.
    return {name: n for name, n in grown.items() if n > 0 and 'backbone' not in name.split('.')}


def _shifts(plain: dict, target: dict) -> dict[str, int]:
    """By how much the indices of each list grow that has its new levels in front."""
    grown = grown_lists(plain, target)
    return {name: count for name, count in grown.items() if not name.endswith(COARSEST_FIRST)}


def _renamed(name: str, shifts: dict[str, int]) -> str:
    for prefix, count in shifts.items():
        if name.startswith(f'{prefix}.'):
            index, _, rest = name[len(prefix) + 1 :].partition('.')
            return '.'.join(filter(None, (prefix, str(int(index) + count), rest)))
    return name


def _with_finer_levels(name: str, weight: Tensor, target: Tensor, attention: dict) -> Tensor | None:
    """A weight that has an axis of levels, with the finer ones of ``target`` in front; or ``None``."""
    if name.endswith(('level_embed', 'level_embeds')):  # levels, channels
        return torch.cat((target[: len(target) - len(weight)], weight))
    if name.endswith('fusion_conv.weight'):  # RTMDet-Ins: out, levels x in, 1, 1
        return torch.cat((target[:, : target.shape[1] - weight.shape[1]], weight), dim=1)
    module = attention.get(name.rpartition('.')[0].rpartition('.')[0])
    if module is None:
        return None
    heads, levels = module.num_heads, module.num_levels
    new = target.reshape(heads, levels, -1, *target.shape[1:])
    per_level = new.shape[2]
    old = weight.reshape(heads, -1, per_level, *weight.shape[1:])
    return torch.cat((new[:, : levels - old.shape[1]], old), dim=1).reshape(target.shape)


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
) -> Transfer:
    """Writes a plain detector's checkpoint for its extended twin.

    Where the twin lies inside a tracker or a semi-supervised pair, the checkpoint may be of the whole or
    of the detector alone, for the detector's ``init_cfg``; names stay as they are.

    Args:
        checkpoint (str | Path): The plain detector's checkpoint. What data parallel or compiled modules
            put into names is taken off.
        config (str | Path): The extended detector's config.
        out (str | Path): The file to write; name it in ``load_from``.
        use (str, optional): Which weights of a checkpoint that holds two sets; see
            :func:`choose_weights`.
        plain_config (str | Path, optional): The plain detector's config: before anything is written,
            both detectors run on one random image, and the levels that both have must agree.

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
    model = MODELS.build(without_weights(read_config(config).model))
    model.init_weights()
    model = _named_alike(state_dict_of(plain), model)
    weights, transfer = transfer_weights(plain, model, use)
    check_share(transfer, model.state_dict(), str(checkpoint))
    if plain_config is not None:
        source, _ = choose_weights(plain, use)
        transfer.gaps, transfer.reason = compare_pyramids(
            read_config(plain_config), source, model, weights
        )
        check_agreement(transfer.gaps, transfer.reason)
    with whole_or_not(out) as temporary:
        torch.save(dict(state_dict=weights, meta=plain.get('meta', {})), temporary)
    return transfer


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
        _transfer(_under_names_of(weights, module.state_dict()), module, prefix, written, transfer)
    for name in sorted(set(target) - set(written)):
        first = written.get(name.replace('.extended_bbox_head.', '.bbox_head.'))
        if first is not None and first.shape == target[name].shape:
            transfer.copied.append(name)
        elif not name.endswith('num_batches_tracked'):
            transfer.missing.append(name)
    return written, transfer


def _under_names_of(weights: dict[str, Tensor], target: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights of a detector that another one wraps, or wrapped, under the names that fit most."""
    forms = [weights]
    for prefix in ('detector.', 'model.'):
        forms.append({k.removeprefix(prefix): w for k, w in weights.items() if k.startswith(prefix)})
        forms.append({prefix + k: w for k, w in weights.items()})
    return max(forms, key=lambda form: len(form.keys() & target.keys()))


def _transfer(
    plain: dict[str, Tensor],
    module: nn.Module,
    prefix: str,
    written: dict[str, Tensor],
    transfer: Transfer,
) -> None:
    """Adds one detector's weights to ``written``, and their stories to ``transfer``."""
    target = module.state_dict()
    shifts = _shifts(plain, target)
    aligned = align_weights(plain, module)
    for name, weight in plain.items():
        new = _renamed(name, shifts)
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
