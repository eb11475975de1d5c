"""The loss of boxes by their normalised Wasserstein distance."""

import torch
from mmdet.models.losses.utils import weight_reduce_loss
from mmdet.registry import MODELS
from torch import Tensor, nn

from ...utils.errors import UserError
from ...utils.known_names import known_arguments_only
from ..task_modules.normalized_wasserstein import squared_wasserstein
from ..utils.arguments import check_positive_number

SMALLEST = 1e-7  # of a squared distance; the root has no slope at 0


@MODELS.register_module()
@known_arguments_only
class NWDLoss(nn.Module):
    """``1 - NWD`` of decoded boxes: a head needs ``reg_decoded_bbox=True``.

    Unlike IoU losses it has a gradient where boxes do not touch. NWD is that of
    :class:`NormalizedWasserstein2D`.

    Args:
        constant (float): The average side of the data set's objects, in pixels as the detector sees
            them. Default 12.8, that of AI-TOD.
        reduction (str): ``'mean'``, ``'sum'`` or ``'none'``. Default ``'mean'``.
        loss_weight (float): Default 1.0.

    Raises:
        UserError: ``constant`` is not a positive number, or another ``reduction``.

    Source: arXiv:2110.13389, section 3.3.

    Example:
        >>> loss = NWDLoss(constant=4.0)
        >>> float(loss(torch.tensor([[0.0, 0.0, 4.0, 4.0]]), torch.tensor([[4.0, 0.0, 8.0, 4.0]])))
        0.632...
    """

    def __init__(
        self, constant: float = 12.8, reduction: str = 'mean', loss_weight: float = 1.0
    ) -> None:
        super().__init__()
        if reduction not in ('mean', 'sum', 'none'):
            raise UserError(f"NWDLoss.reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
        check_positive_number('NWDLoss', 'constant', constant)
        self.constant = constant
        check_positive_number('NWDLoss', 'loss_weight', loss_weight)
        self.reduction, self.loss_weight = reduction, loss_weight

    def forward(
        self,
        pred: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        avg_factor: float | None = None,
        reduction_override: str | None = None,
    ) -> Tensor:
        """The loss.

        Args:
            pred (Tensor): (n, 4), x1, y1, x2, y2 in pixels.
            target (Tensor): (n, 4).
            weight (Tensor, optional): (n,) or (n, 4), whose mean counts, as in MMDetection's IoU losses.
            avg_factor (float, optional): What the sum is divided by, in the place of n.
            reduction_override (str, optional): Another ``reduction`` for this call.

        Returns:
            Tensor: A number, or (n,) without reduction.
        """
        distance = squared_wasserstein(pred, target).clamp(min=SMALLEST).sqrt()
        loss = 1 - torch.exp(-distance / self.constant)
        if weight is not None and weight.dim() == 2:
            weight = weight.mean(-1)
        reduction = reduction_override or self.reduction
        return self.loss_weight * weight_reduce_loss(loss, weight, reduction, avg_factor)
