"""RoI extractor whose levels follow Detectron's area, in which the last pixel counts."""

import torch
from mmdet.models.roi_heads import SingleRoIExtractor
from mmdet.registry import MODELS
from torch import Tensor

from ...utils.errors import UserError
from ...utils.known_names import known_arguments_only

CANONICAL_SCALE = 224  # pixels of an ImageNet crop; such RoIs are four levels above stride 1
CANONICAL_LEVEL = 4


@MODELS.register_module()
@known_arguments_only
class DetectronRoIExtractor(SingleRoIExtractor):
    """MMDetection's ``SingleRoIExtractor`` with Detectron's rule for an RoI's level.

    The level is ``floor(4 + log2(s / 224 + 1e-6))`` for ``s = sqrt((width + 1)(height + 1))``, where
    level l has stride 2 to the l. So a border between levels lies up to a pixel lower than
    MMDetection's.

    Args:
        *args, **kwargs: Of ``SingleRoIExtractor``. ``finest_scale`` must be
            ``14 * featmap_strides[0]``, for which the parent has the same rule without the pixel.

    Raises:
        UserError: another ``finest_scale``.

    Source: ``map_rois_to_fpn_levels`` of Detectron; FPN, arXiv:1612.03144, equation 1.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        fitting = CANONICAL_SCALE // 2**CANONICAL_LEVEL * self.featmap_strides[0]
        if self.finest_scale != fitting:
            raise UserError(
                f'{type(self).__name__}: finest_scale must be {fitting} for featmap_strides that begin '
                f'with {self.featmap_strides[0]}, got {self.finest_scale}'
            )

    def map_roi_levels(self, rois: Tensor, num_levels: int) -> Tensor:
        """Gives the index of each RoI's level, (n,), for RoIs (n, 5)."""
        sides = rois[:, 3:] - rois[:, 1:3] + 1
        scale = sides.prod(dim=1).clamp(min=0).sqrt()
        levels = torch.floor(CANONICAL_LEVEL + torch.log2(scale / CANONICAL_SCALE + 1e-6))
        finest = self.featmap_strides[0].bit_length() - 1
        return (levels - finest).clamp(min=0, max=num_levels - 1).long()
