"""GLIP's head over any number of levels."""

from mmcv.cnn import Scale
from mmdet.models.dense_heads.atss_vlfusion_head import ATSSVLFusionHead
from mmdet.models.utils import VLFuse
from mmdet.registry import MODELS
from torch import Tensor, cat, nn
from torch.utils.checkpoint import checkpoint

from ...utils.known_names import known_arguments_only


@MODELS.register_module()
@known_arguments_only
class ExtendedATSSVLFusionHead(ATSSVLFusionHead):
    """GLIP's ATSS head, fused with words, over as many levels as its anchors have.

    MMDetection's fuses five levels and scales five, whatever its anchors. This one takes the same
    arguments, keeps the names of its weights, and needs ``transformers`` as well.

    Source: arXiv:2112.03857 (GLIP), section 3.2.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.head.scales = nn.ModuleList(Scale(1.0) for _ in self.prior_generator.strides)
        tower = self.head.dyhead_tower
        for name, block in list(tower.named_children()):
            if isinstance(block, VLFuse):
                setattr(tower, name, FusionOfLevels(block.b_attn, block.use_checkpoint))


class FusionOfLevels(nn.Module):
    """The cells of all levels and the words attend to each other.

    As MMDetection's ``VLFuse``, for any number of levels.

    Args:
        b_attn (nn.Module): The attention of ``VLFuse``, which knows no levels.
        use_checkpoint (bool): Compute it again in the backward pass, to save memory. Default False.
    """

    def __init__(self, b_attn: nn.Module, use_checkpoint: bool = False) -> None:
        super().__init__()
        self.b_attn = b_attn
        self.use_checkpoint = use_checkpoint

    def forward(self, x: dict) -> dict:
        """Gives levels and words that know of each other.

        Args:
            x (dict): ``visual``, maps (B, C, H_i, W_i); ``lang`` with ``hidden``, (B, words, channels),
                and ``masks``, (B, words).

        Returns:
            dict: The same, of the same shapes.
        """
        levels, words = x['visual'], x['lang']
        cells = cat([level.flatten(2).transpose(1, 2) for level in levels], dim=1)  # B, cells, C
        inputs = (cells, words['hidden'], None, words['masks'])
        if self.use_checkpoint:
            cells, hidden = checkpoint(self._attend, *inputs, use_reentrant=False)
        else:
            cells, hidden = self._attend(*inputs)
        parts = cells.transpose(1, 2).split([level[0, 0].numel() for level in levels], dim=2)
        maps = [part.reshape(level.shape) for part, level in zip(parts, levels, strict=True)]
        return dict(visual=maps, lang=dict(words, hidden=hidden))

    def _attend(self, *inputs) -> tuple[Tensor, Tensor]:
        return self.b_attn.single_attention_call(*inputs)
