"""Groups of a published HAT model as the start of a HATFTT."""

from collections.abc import Mapping, Sequence

from mmengine.logging import print_log
from mmengine.registry import WEIGHT_INITIALIZERS
from torch import Tensor, nn

from ..models import HATFTT
from ..utils.errors import UserError
from .names import without_wrappers
from .safe_load import read_checkpoint

_BLOCK = 'residual_group.blocks.'
_TABLE = _BLOCK + '0.attn.relative_position_bias_table'  # (2 window - 1) squared, heads


@WEIGHT_INITIALIZERS.register_module()
class HATPretrained:
    """Loads groups of a HAT checkpoint file into a :class:`HATFTT`.

    Use: ``ftt=dict(type='HATFTT', ..., init_cfg=dict(type='HATPretrained', checkpoint='HAT.pth'))``.
    The rest of the FTT (its four convs) keeps its own initialisation. The log says which group went
    where, and MMEngine's table of initialisations says it of each weight.

    Args:
        checkpoint (str): File or URL, as mmengine's loader takes it: a state dict, or one under
            ``params_ema``, ``params`` or ``state_dict``, with keys ``layers.i. ...``. A ``module.`` in
            front of them is taken off.
        groups (Sequence[int], optional): Which of the checkpoint's groups go into the FTT's groups,
            content first. Default: its first groups, in turn.

    Raises:
        TypeError: a module other than a HATFTT.
        UserError: a number of groups that is not the FTT's; a group or a weight that the file does not
            have; another width, number of heads, window or depth, with both numbers. Nothing is loaded
            then.
    """

    def __init__(self, checkpoint: str, groups: Sequence[int] | None = None) -> None:
        self.checkpoint = checkpoint
        self.groups = groups

    def __call__(self, module: nn.Module) -> None:
        """Copies the checkpoint's groups into the module's; errors as the class says."""
        if not isinstance(module, HATFTT):
            raise TypeError(f'HATPretrained initialises a HATFTT, not a {type(module).__name__}')
        targets = module.groups()
        numbers = list(range(len(targets)) if self.groups is None else self.groups)
        if len(numbers) != len(targets):
            raise UserError(
                f'HATPretrained.groups must name {len(targets)} groups, one for each of '
                f'the FTT, got {numbers}'
            )
        weights = self._weights()
        found = [self._group(weights, number) for number in numbers]
        for number, group, target in zip(numbers, found, targets, strict=True):
            self._check(number, group, target.state_dict())
        names = {id(part): name for name, part in module.named_modules()}
        for number, group, target in zip(numbers, found, targets, strict=True):
            target.load_state_dict(group)
            place = names[id(target)]
            print_log(
                f'HATPretrained: {self.checkpoint}: group {number}, {len(group)} weights, went into '
                f'ftt.{place}',
                logger='current',
            )
            _book(module, target, f'HATPretrained: group {number} of {self.checkpoint}')

    def _weights(self) -> dict[str, Tensor]:
        weights = read_checkpoint(self.checkpoint)
        for key in ('params_ema', 'params', 'state_dict'):
            if isinstance(weights.get(key), Mapping):
                weights = weights[key]
                break
        return without_wrappers(weights)[0]

    def _group(self, weights: dict[str, Tensor], number: int) -> dict[str, Tensor]:
        prefix = f'layers.{number}.'
        group = {name.removeprefix(prefix): w for name, w in weights.items() if name.startswith(prefix)}
        if not group:
            there = sorted({int(k.split('.')[1]) for k in weights if k.startswith('layers.')})
            has = f'it has groups {there}' if there else 'is it a HAT checkpoint?'
            raise UserError(
                f'{self.checkpoint} has no group {number} (no key begins with {prefix!r}); {has}'
            )
        return group

    def _check(self, number: int, group: dict[str, Tensor], target: dict[str, Tensor]) -> None:
        """Raises an error unless a group of the file fits one of the FTT."""
        before = f'{self.checkpoint}, group {number}'
        theirs, ours = _sizes(group), _sizes(target)
        for argument, size in theirs.items():
            if size != ours[argument]:
                raise UserError(f'{before} has {argument}={size}, but the FTT {ours[argument]}')
        for name in target:
            key = f'layers.{number}.{name}'
            if name not in group:
                raise UserError(f'{before} has no {key}')
            if group[name].shape != target[name].shape:
                raise UserError(
                    f'{before}: {key} has the shape {tuple(group[name].shape)}, but the FTT '
                    f'{tuple(target[name].shape)}; see compress_ratio, squeeze_factor, mlp_ratio and '
                    f'overlap_ratio'
                )
        for name in group.keys() - target.keys():
            raise UserError(f'{before} has layers.{number}.{name}, for which the FTT has no place')


def _sizes(group: Mapping[str, Tensor]) -> dict[str, int]:
    """What a group's weights say of the arguments that it was made with."""
    sizes = {'depths': len({name.split('.')[2] for name in group if name.startswith(_BLOCK)})}
    if 'conv.weight' in group:
        sizes['embed_dims'] = len(group['conv.weight'])
    if _TABLE in group:
        sizes['window_size'] = round((len(group[_TABLE]) ** 0.5 + 1) / 2)
        sizes['num_heads'] = group[_TABLE].shape[1]
    return sizes


def _book(module: nn.Module, target: nn.Module, how: str) -> None:
    """Notes how a group's weights were initialised where MMEngine keeps such notes."""
    notes = getattr(module, '_params_init_info', None)
    if notes is None:  # init_weights was not called from the detector
        return
    for parameter in target.parameters():
        notes[parameter].update(init_info=how, tmp_mean_value=parameter.detach().mean().cpu())
