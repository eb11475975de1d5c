"""Anchors as torchvision makes them: whole pixels, centred at a cell's corner, strides by the maps."""

import torch
from mmdet.models.task_modules import AnchorGenerator
from mmdet.registry import TASK_UTILS
from torch import Tensor

from ...utils.known_names import known_arguments_only


@TASK_UTILS.register_module()
@known_arguments_only
class TorchvisionAnchorGenerator(AnchorGenerator):
    """MMDetection's ``AnchorGenerator`` with the anchors of torchvision's detectors.

    The side of a square anchor is cut to whole pixels, a ratio is applied, and corners are rounded. An
    anchor of level l lies every ``image side // map side`` pixels, where the image is the padded one: a
    P6 of 13 cells for 800 pixels has 61, not 64. The padded image is taken to be the finest map's size
    times its stride, so pad to a multiple of it.

    Args:
        *args, **kwargs: Of ``AnchorGenerator``; ``centers`` and ``center_offset`` are not used, and
            ratios are outside scales.

    Source: torchvision/models/detection/anchor_utils.py.

    Example:
        >>> TorchvisionAnchorGenerator(strides=[4], ratios=[0.5, 1.0, 2.0], scales=[8]).base_anchors[0]
        tensor([[-23., -11.,  23.,  11.],
                [-16., -16.,  16.,  16.],
                [-11., -23.,  11.,  23.]])
    """

    def gen_single_level_base_anchors(
        self, base_size: float, scales: Tensor, ratios: Tensor, center=None
    ) -> Tensor:
        """Gives a cell's anchors, (ratios x scales, 4), ratio by ratio."""
        sides = (base_size * scales.double() + 1e-4).floor().to(ratios)  # 32, 40, 50 for one octave
        height_ratios = ratios.sqrt()
        widths = ((1 / height_ratios)[:, None] * sides).flatten()
        heights = (height_ratios[:, None] * sides).flatten()
        return (torch.stack((-widths, -heights, widths, heights), dim=1) / 2).round()

    def grid_priors(self, featmap_sizes, dtype=torch.float32, device='cuda') -> list[Tensor]:
        """Gives each level's anchors, (height x width x anchors of a cell, 4), row by row."""
        height, width = (
            int(cells) * stride
            for cells, stride in zip(featmap_sizes[0], self.strides[0][::-1], strict=True)
        )
        booked = self.strides
        self.strides = [(width // int(w), height // int(h)) for h, w in featmap_sizes]
        try:
            return super().grid_priors(featmap_sizes, dtype, device)
        finally:
            self.strides = booked
