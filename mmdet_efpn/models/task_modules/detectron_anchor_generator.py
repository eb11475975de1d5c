"""Anchors as Detectron makes them: whole pixels, centred between the first and the last of a cell."""

import torch
from mmdet.models.task_modules import AnchorGenerator
from mmdet.registry import TASK_UTILS
from torch import Tensor

from ...utils.known_names import known_arguments_only


@TASK_UTILS.register_module()
@known_arguments_only
class DetectronAnchorGenerator(AnchorGenerator):
    """MMDetection's ``AnchorGenerator`` with the anchors of Detectron, in which the last pixel counts.

    A square of the stride's side is changed to each ratio, its width and height are rounded to whole
    pixels (half to even), and then scaled. The centre is ``(stride - 1) / 2``, and corners lie
    ``(side - 1) / 2`` from it. MMDetection's ``LegacyAnchorGenerator`` rounds the corners of the scaled
    anchor instead: at stride 4 with scale 8 and ratio 0.5 it has 45 by 23 pixels where Detectron has 48
    by 24.

    Args:
        *args, **kwargs: Of ``AnchorGenerator``; ``centers`` and ``center_offset`` are not used.

    Source: ``generate_anchors`` of Detectron.

    Example:
        >>> DetectronAnchorGenerator(strides=[4], ratios=[0.5, 1.0, 2.0], scales=[8]).base_anchors[0]
        tensor([[-22., -10.,  25.,  13.],
                [-14., -14.,  17.,  17.],
                [-10., -22.,  13.,  25.]])
    """

    def gen_single_level_base_anchors(
        self, base_size: float, scales: Tensor, ratios: Tensor, center=None
    ) -> Tensor:
        """Gives a cell's anchors, (ratios x scales, 4), ratio by ratio."""
        ratios, scales = ratios.double(), scales.double()
        widths = (base_size**2 / ratios).sqrt().round()
        heights = (widths * ratios).round()
        sides = torch.stack((widths, heights), dim=1)[:, None] * scales[:, None]  # ratios, scales, 2
        half = (sides.reshape(-1, 2) - 1) / 2
        centre = (base_size - 1) / 2
        return torch.cat((centre - half, centre + half), dim=1).float()
