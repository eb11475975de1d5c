"""The normalised Wasserstein distance between boxes, in the place of IoU where boxes are tiny."""

import torch
from mmdet.registry import TASK_UTILS
from mmdet.structures.bbox import BaseBoxes, bbox_overlaps, get_box_tensor
from torch import Tensor

from ...utils.known_names import known_arguments_only
from ..utils.arguments import check_positive_number


def squared_wasserstein(first: Tensor, second: Tensor) -> Tensor:
    """Squared 2-Wasserstein distance of boxes seen as Gaussians, in square pixels.

    A box of centre (cx, cy), width w and height h is the Gaussian of that mean and of the standard
    deviations w / 2 and h / 2; the distance of two of them is then::

        W^2 = (cx1 - cx2)^2 + (cy1 - cy2)^2 + ((w1 - w2)^2 + (h1 - h2)^2) / 4

    Args:
        first (Tensor): (..., 4), x1, y1, x2, y2 in pixels.
        second (Tensor): (..., 4); the shapes are broadcast.

    Source: Wang et al., "A Normalized Gaussian Wasserstein Distance for Tiny Object Detection",
    arXiv:2110.13389, section 3.2.
    """
    corners = first - second
    centres = (corners[..., :2] + corners[..., 2:]) / 2
    sides = (corners[..., 2:] - corners[..., :2]) / 2
    return (centres.square() + sides.square()).sum(-1)


@TASK_UTILS.register_module()
@known_arguments_only
class NormalizedWasserstein2D:
    """An ``iou_calculator`` whose overlap is the normalised Wasserstein distance (NWD).

    ``NWD = exp(-W / constant)`` is 1 for equal boxes and falls with their distance, measured in units
    of a typical object, also where they do not touch. Use it in any assigner that takes an
    ``iou_calculator``, with or without P2'::

        rpn=dict(assigner=dict(type='MaxIoUAssigner', pos_iou_thr=0.7, neg_iou_thr=0.3, min_pos_iou=0.3,
                               iou_calculator=dict(type='NormalizedWasserstein2D', constant=12.8)))

    Regions to ignore are still judged by the share of a box that lies in them (mode ``'iof'``).

    Args:
        constant (float): The average side of the data set's objects, sqrt(width * height), in pixels of
            the picture as the detector sees it. Default 12.8, that of AI-TOD.

    Raises:
        UserError: ``constant`` is not a positive number.

    Source: arXiv:2110.13389, sections 3.2 and 3.3.

    Example:
        >>> boxes = torch.tensor([[0.0, 0.0, 4.0, 4.0], [4.0, 0.0, 8.0, 4.0]])
        >>> NormalizedWasserstein2D(constant=4.0)(boxes[:1], boxes)
        tensor([[1.0000, 0.3679]])
    """

    def __init__(self, constant: float = 12.8) -> None:
        check_positive_number('NormalizedWasserstein2D', 'constant', constant)
        self.constant = constant

    def __call__(
        self,
        bboxes1: Tensor | BaseBoxes,
        bboxes2: Tensor | BaseBoxes,
        mode: str = 'iou',
        is_aligned: bool = False,
    ) -> Tensor:
        """Compares boxes; an argument's further columns, such as scores, are left out.

        Args:
            bboxes1 (Tensor | BaseBoxes): (m, 4 or 5), corners in pixels.
            bboxes2 (Tensor | BaseBoxes): (n, 4 or 5).
            mode (str): ``'iou'`` gives NWD, ``'iof'`` intersection over ``bboxes1``.
            is_aligned (bool): Compare row by row; m and n are then equal.

        Returns:
            Tensor: (m, n), or (m,) if aligned; from 0 to 1.
        """
        first, second = (get_box_tensor(boxes)[..., :4] for boxes in (bboxes1, bboxes2))
        if mode == 'iof':
            return bbox_overlaps(first, second, mode, is_aligned)
        if not is_aligned:
            first = first[..., :, None, :]
            second = second[..., None, :, :]
        return torch.exp(-squared_wasserstein(first, second).sqrt() / self.constant)

    def __repr__(self) -> str:
        return f'{type(self).__name__}(constant={self.constant})'
