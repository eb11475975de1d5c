"""The FTT module of hybrid attention groups."""

from mmdet.registry import MODELS

from ...utils.known_names import known_arguments_only
from ..layers import RHAG
from .two_extractor import AttentionFTT


@MODELS.register_module()
@known_arguments_only
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
            ``HATPretrained``.

    Source: HAT, arXiv:2205.04437, section 3.2, in the frame of EFPN, arXiv:2003.07021, section 3.2.

    Example:
        >>> import torch
        >>> ftt = HATFTT(channels=16, embed_dims=12, num_heads=3, window_size=4, squeeze_factor=6)
        >>> ftt(torch.rand(1, 16, 25, 42), torch.rand(1, 16, 13, 21)).shape
        torch.Size([1, 16, 25, 42])
    """

    def __init__(
        self,
        channels: int,
        *,
        compress_ratio: int = 3,
        squeeze_factor: int = 30,
        conv_scale: float = 0.01,
        overlap_ratio: float = 0.5,
        **kwargs,
    ) -> None:
        self.hybrid_cfg = dict(
            compress_ratio=compress_ratio,
            squeeze_factor=squeeze_factor,
            conv_scale=conv_scale,
            overlap_ratio=overlap_ratio,
        )
        super().__init__(channels, **kwargs)

    def build_group(self, **cfg) -> RHAG:
        """Makes one residual hybrid attention group; see :class:`AttentionFTT`."""
        return RHAG(**cfg, **self.hybrid_cfg)
