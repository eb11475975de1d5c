"""The FTT module of hybrid attention groups, and their start from a published HAT model."""
from collections.abc import Sequence

from mmdet.registry import MODELS
from mmengine.model import update_init_info
from mmengine.registry import WEIGHT_INITIALIZERS
from mmengine.runner.checkpoint import CheckpointLoader
from torch import nn

from ..layers import RHAG
from .attention_ftt import AttentionFTT


@MODELS.register_module()
class HATFTT(AttentionFTT):
    """Feature texture transfer by residual hybrid attention groups.

    How the extractors are put together, and what P3' is before training: :class:`AttentionFTT`. To
    start from the groups of a HAT checkpoint, ``init_cfg=dict(type='HATPretrained', checkpoint=...)``;
    widths, heads, window and factors must be the checkpoint's.

    Args:
        channels (int): Width of P2, P3 and P3'.
        embed_dims (int): Width inside the module, a multiple of every number of heads. Default 96.
        depths (Sequence[int | Sequence[int]]): Hybrid blocks of the content extractor, then of the
            texture extractor: of its one group, or of each of its groups. Default (2, 2).
        num_heads (int | Sequence[int | Sequence[int]]): Attention heads: one number for all groups, or
            one for each, in the form of ``depths``. Default 6.
        window_size (int): Side of a window, in cells. Default 8.
        compress_ratio (int): ``embed_dims`` over the width between the convs of a channel attention
            block. Default 3.
        squeeze_factor (int): ``embed_dims`` over the hidden width of channel attention. Default 30.
        conv_scale (float): Weight of the channel attention blocks. Default 0.01.
        overlap_ratio (float): How much larger the overlapping windows are. Default 0.5.
        mlp_ratio (float): Hidden width of the MLPs over ``embed_dims``. Default 2.
        drop_path_rate (float): Stochastic depth of the last block. Default 0.
        with_cp (bool): Make the blocks' activations again in the backward pass instead of keeping
            them: less memory, more time. Default False.
        init_cfg (dict | list[dict], optional): mmengine's initialisation config, or
            :class:`HATPretrained`.

    Source: HAT, arXiv:2205.04437, section 3.2, in the frame of EFPN, arXiv:2003.07021, section 3.2.

    Example:
        >>> import torch
        >>> ftt = HATFTT(channels=16, embed_dims=12, num_heads=3, window_size=4, squeeze_factor=6)
        >>> ftt(torch.rand(1, 16, 25, 42), torch.rand(1, 16, 13, 21)).shape
        torch.Size([1, 16, 25, 42])
    """

    def __init__(self,
                 channels: int,
                 embed_dims: int = 96,
                 depths: Sequence[int | Sequence[int]] = (2, 2),
                 num_heads: int | Sequence[int | Sequence[int]] = 6,
                 window_size: int = 8,
                 compress_ratio: int = 3,
                 squeeze_factor: int = 30,
                 conv_scale: float = 0.01,
                 overlap_ratio: float = 0.5,
                 mlp_ratio: float = 2.,
                 drop_path_rate: float = 0.,
                 with_cp: bool = False,
                 init_cfg=None) -> None:
        super().__init__(
            channels, embed_dims, depths, num_heads, drop_path_rate, init_cfg,
            window_size=window_size, compress_ratio=compress_ratio, squeeze_factor=squeeze_factor,
            conv_scale=conv_scale, overlap_ratio=overlap_ratio, mlp_ratio=mlp_ratio, with_cp=with_cp)

    build_group = staticmethod(RHAG)


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
        ValueError: a number of groups that is not the FTT's, or a group that the file does not have.
        RuntimeError: a group of other widths or depth; the message names the parameters.
    """

    def __init__(self, checkpoint: str, groups: Sequence[int] | None = None) -> None:
        self.checkpoint = checkpoint
        self.groups = groups

    def __call__(self, module: nn.Module) -> None:
        if not isinstance(module, HATFTT):
            raise TypeError(f'HATPretrained initialises a HATFTT, not a {type(module).__name__}')
        targets = module.groups()
        numbers = list(range(len(targets)) if self.groups is None else self.groups)
        if len(numbers) != len(targets):
            raise ValueError(f'HATPretrained.groups must name {len(targets)} groups, one for each of '
                             f'the FTT, got {numbers}')
        weights = CheckpointLoader.load_checkpoint(self.checkpoint, map_location='cpu')
        for key in ('params_ema', 'params', 'state_dict'):
            if key in weights:
                weights = weights[key]
                break
        for number, target in zip(numbers, targets, strict=True):
            prefix = f'layers.{number}.'
            group = {name[len(prefix):]: value for name, value in weights.items()
                     if name.startswith(prefix)}
            if not group:
                raise ValueError(f'{self.checkpoint} has no group {number} (no key begins with '
                                 f'{prefix!r}); is it a HAT checkpoint?')
            target.load_state_dict(group)
        if hasattr(module, '_params_init_info'):
            update_init_info(module, init_info=f'HATPretrained: groups {numbers} of {self.checkpoint}')
