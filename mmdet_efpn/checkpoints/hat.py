"""Groups of a published HAT model as the start of a HATFTT."""

from collections.abc import Sequence

from mmengine.model import update_init_info
from mmengine.registry import WEIGHT_INITIALIZERS
from torch import nn

from ..models import HATFTT
from ..utils.errors import UserError
from .safe_load import read_checkpoint


@WEIGHT_INITIALIZERS.register_module()
class HATPretrained:
    """Loads groups of a HAT checkpoint file into a :class:`HATFTT`.

    Use: ``ftt=dict(type='HATFTT', ..., init_cfg=dict(type='HATPretrained', checkpoint='HAT.pth'))``.
    The rest of the FTT (its five convs) keeps its own initialisation.

    Args:
        checkpoint (str): File or URL, as mmengine's loader takes it: a state dict, or one under
            ``params_ema``, ``params`` or ``state_dict``, with keys ``layers.i. ...``.
        groups (Sequence[int], optional): Which of the checkpoint's groups go into the FTT's groups,
            content first. Default: its first groups, in turn.

    Raises:
        TypeError: a module other than a HATFTT.
        UserError: a number of groups that is not the FTT's, or a group that the file does not have.
        RuntimeError: a group of other widths or depth; the message names the parameters.
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
        weights = read_checkpoint(self.checkpoint)
        for key in ('params_ema', 'params', 'state_dict'):
            if key in weights:
                weights = weights[key]
                break
        for number, target in zip(numbers, targets, strict=True):
            prefix = f'layers.{number}.'
            group = {
                name[len(prefix) :]: value for name, value in weights.items() if name.startswith(prefix)
            }
            if not group:
                raise UserError(
                    f'{self.checkpoint} has no group {number} (no key begins with '
                    f'{prefix!r}); is it a HAT checkpoint?'
                )
            target.load_state_dict(group)
        if hasattr(module, '_params_init_info'):
            update_init_info(module, init_info=f'HATPretrained: groups {numbers} of {self.checkpoint}')
