"""Which weight of a plain detector is which of its extended twin: indices of levels, and their axes."""

import re
from collections.abc import Collection

import torch
from mmcv.ops import MultiScaleDeformableAttention
from torch import Tensor, nn

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
    shifts = shifts_of_lists(plain, target)
    aligned = {renamed(name, shifts): weight for name, weight in plain.items()}
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


def shifts_of_lists(plain: dict, target: dict) -> dict[str, int]:
    """By how much the indices of each list grow that has its new levels in front."""
    grown = grown_lists(plain, target)
    return {name: count for name, count in grown.items() if not name.endswith(COARSEST_FIRST)}


def renamed(name: str, shifts: dict[str, int]) -> str:
    """A weight's name with the index that its level has now."""
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
