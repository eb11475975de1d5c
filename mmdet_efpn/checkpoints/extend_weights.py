"""Weights of a plain detector for its extended twin: what belongs to a level stays with that level."""

import re
from pathlib import Path

import torch
from mmcv.ops import MultiScaleDeformableAttention
from mmdet.registry import MODELS
from mmengine.registry import init_default_scope
from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor, nn

from ..utils.atomic_file import whole_or_not
from ..utils.pretrained import without_weights
from ..utils.read_config import read_config
from .fitting import require_checkpoint

# These lists of a neck begin at the coarsest level, so that finer ones come last.
COARSEST_FIRST = ('reduce_layers', 'top_down_blocks')
INSIDE = ('detector', 'student')  # where trackers and semi-supervised pairs keep their detectors


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


def _counts(state_dict: dict) -> dict[str, set[int]]:
    """The indices below each name that is followed by an index: the parts of each list of modules."""
    lists: dict[str, set[int]] = {}
    for name in state_dict:
        for match in re.finditer(r'\.(\d+)(?=\.|$)', name):
            lists.setdefault(name[: match.start()], set()).add(int(match[1]))
    return lists


def _shifts(plain: dict, target: dict) -> dict[str, int]:
    """By how much the indices of each list grow that has more parts in the extended detector."""
    after = _counts(target)
    grown = {name: len(after.get(name, ())) - len(parts) for name, parts in _counts(plain).items()}
    return {
        name: count for name, count in grown.items() if count > 0 and not name.endswith(COARSEST_FIRST)
    }


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
    parts = [model, *(getattr(model, key) for key in INSIDE if hasattr(model, key))]
    return max(parts, key=lambda part: len(plain.keys() & part.state_dict().keys()))


def extend_weights(checkpoint: str | Path, config: str | Path, out: str | Path) -> list[str]:
    """Writes a plain detector's checkpoint for its extended twin.

    Where the twin lies inside a tracker or a semi-supervised pair, the checkpoint may be of the whole or
    of the detector alone, for the detector's ``init_cfg``; names stay as they are.

    Args:
        checkpoint (str | Path): The plain detector's checkpoint.
        config (str | Path): The extended detector's config.
        out (str | Path): The file to write; name it in ``load_from``.

    Returns:
        list[str]: Names of the extended detector's weights that stay as they are initialised.
    """
    require_checkpoint(checkpoint)
    init_default_scope('mmdet')
    plain = CheckpointLoader.load_checkpoint(str(checkpoint), map_location='cpu')
    model = MODELS.build(without_weights(read_config(config).model))
    model.init_weights()
    weights = plain.get('state_dict', plain)
    model = _named_alike(weights, model)
    weights = align_weights(weights, model)
    with whole_or_not(out) as temporary:
        torch.save(dict(state_dict=weights, meta=plain.get('meta', {})), temporary)
    return sorted(set(model.state_dict()) - set(weights))
