"""Box deltas as Detectron codes them: a box of corners x1 and x2 is x2 - x1 + 1 pixels wide."""

import math
from collections.abc import Sequence

import torch
from mmdet.models.task_modules.coders import LegacyDeltaXYWHBBoxCoder
from mmdet.registry import TASK_UTILS
from mmdet.structures.bbox import BaseBoxes, HorizontalBoxes, get_box_tensor
from torch import Tensor

from ...utils.known_names import known_arguments_only

LARGEST_GROWTH = math.log(1000 / 16)  # of a side, as a logarithm


@TASK_UTILS.register_module()
@known_arguments_only
class DetectronBBoxCoder(LegacyDeltaXYWHBBoxCoder):
    """MMDetection's ``LegacyDeltaXYWHBBoxCoder``, decoding as Detectron does.

    Width is ``x2 - x1 + 1`` and the centre ``x1 + width / 2``. A decoded ``x2`` is
    ``centre + width / 2 - 1``, clipped to the last pixel, ``image width - 1``. Growth is limited,
    shrinking is not. The parent encodes so too, but its decoded boxes are half a pixel larger on each
    side, and it limits both.

    Args:
        target_means (Sequence[float]): Means of the four deltas. Default: 0.
        target_stds (Sequence[float]): Their standard deviations, the inverse of Detectron's weights.
            Default: 1.
        use_box_type (bool): Give boxes as MMDetection's box structure. Default False.

    Source: ``bbox_transform`` of Detectron; R-CNN, arXiv:1311.2524.

    Example:
        >>> box = torch.tensor([[10.0, 10.0, 19.0, 19.0]])  # ten pixels wide
        >>> DetectronBBoxCoder().decode(box, torch.zeros(1, 4))
        tensor([[10., 10., 19., 19.]])
    """

    def __init__(
        self,
        target_means: Sequence[float] = (0.0, 0.0, 0.0, 0.0),
        target_stds: Sequence[float] = (1.0, 1.0, 1.0, 1.0),
        use_box_type: bool = False,
    ) -> None:
        super().__init__(target_means, target_stds, use_box_type=use_box_type)

    def decode(
        self,
        bboxes: Tensor | BaseBoxes,
        pred_bboxes: Tensor,
        max_shape: Sequence[int] | None = None,
        wh_ratio_clip: float | None = None,
    ) -> Tensor | BaseBoxes:
        """Applies deltas to boxes.

        Args:
            bboxes (Tensor): (n, 4), corners in pixels.
            pred_bboxes (Tensor): (n, 4), deltas.
            max_shape (Sequence[int], optional): Height and width of the image, to whose last pixels
                boxes are clipped. Default: they are not.
            wh_ratio_clip: Not used; growth is limited to 1000 / 16.

        Returns:
            Tensor: (n, 4), corners in pixels.
        """
        boxes = get_box_tensor(bboxes)
        sides = boxes[..., 2:] - boxes[..., :2] + 1
        deltas = pred_bboxes * pred_bboxes.new_tensor(self.stds) + pred_bboxes.new_tensor(self.means)
        centres = boxes[..., :2] + sides / 2 + deltas[..., :2] * sides
        sides = deltas[..., 2:].clamp(max=LARGEST_GROWTH).exp() * sides
        boxes = torch.cat((centres - sides / 2, centres + sides / 2 - 1), dim=-1)
        if max_shape is not None:
            height, width = max_shape[:2]
            last = boxes.new_tensor((width - 1, height - 1)).repeat(2)
            boxes = torch.minimum(boxes, last).clamp(min=0)
        return HorizontalBoxes(boxes) if self.use_box_type else boxes
