"""The FTT module of shifted-window attention."""

from mmdet.registry import MODELS

from ...utils.known_names import known_arguments_only
from ..layers import SwinGroup
from .two_extractor import AttentionFTT


@MODELS.register_module()
@known_arguments_only
class SwinFTT(AttentionFTT):
    """Feature texture transfer by blocks of window attention, every second one shifted.

    How the extractors are put together, and what P3' is before training: :class:`AttentionFTT`.

    Args:
        channels (int): Width of P2, P3 and P3'.
        embed_dims (int): Width inside the module, a multiple of every number of heads. Default 96.
        depths (Sequence[int | Sequence[int]]): Blocks of the content extractor, then of the texture
            extractor: of its one group, or of each of its groups. Default (2, 2).
        num_heads (int | Sequence[int | Sequence[int]]): Attention heads: one number for all groups, or
            one for each, in the form of ``depths``. Default 6.
        window_size (int): Side of a window, in cells. Default 8.
        mlp_ratio (float): Hidden width of the MLPs over ``embed_dims``. Default 2.
        drop_path_rate (float): Stochastic depth of the last block. Default 0.
        with_cp (bool): Make the blocks' activations again in the backward pass instead of keeping
            them: less memory, more time. Default False.
        init_cfg (dict | list[dict], optional): mmengine's initialisation config.

    Source: Swin Transformer, arXiv:2103.14030, section 3.2, in the frame of EFPN, arXiv:2003.07021,
    section 3.2.

    Example:
        >>> import torch
        >>> ftt = SwinFTT(channels=16, embed_dims=12, num_heads=3, window_size=4)
        >>> ftt(torch.rand(1, 16, 25, 42), torch.rand(1, 16, 13, 21)).shape
        torch.Size([1, 16, 25, 42])
    """

    build_group = staticmethod(SwinGroup)
