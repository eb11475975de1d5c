"""GLIP's head over any number of levels."""

from mmcv.cnn import Scale
from mmdet.models.dense_heads.atss_vlfusion_head import ATSSVLFusionHead
from mmdet.registry import MODELS
from torch import nn


@MODELS.register_module()
class ExtendedATSSVLFusionHead(ATSSVLFusionHead):
    """GLIP's ATSS head, fused with words, with as many scales as its anchors have levels.

    MMDetection's has five, whatever its levels. It takes the same arguments, and needs ``transformers``.

    Source: arXiv:2112.03857 (GLIP), arXiv:1912.02424 (ATSS, whose levels each scale their boxes).
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.head.scales = nn.ModuleList(Scale(1.0) for _ in self.prior_generator.strides)
