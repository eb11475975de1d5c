"""The distillation loss that gives the few cells on objects a weight of their own."""

from collections.abc import Sequence

import torch
from mmdet.registry import MODELS
from torch import Tensor, nn

from ...utils.errors import UserError
from ...utils.known_names import known_arguments_only


def positive_cells(boxes: Sequence[Tensor], size: tuple[int, int], stride: float) -> Tensor:
    """Marks the cells of a map that boxes touch.

    Each box is grown outwards to whole cells and clipped to the map: columns floor(x1 / stride) to
    ceil(x2 / stride) - 1, rows likewise. One pass over all boxes of the batch: each adds its four
    corners to a difference image, whose running sums count the boxes over every cell.

    Args:
        boxes (Sequence[Tensor]): For each image (n, 4), x1, y1, x2, y2 in input pixels; n may be 0.
        size (tuple[int, int]): Height and width of the map, in cells.
        stride (float): Input pixels a cell.

    Returns:
        Tensor: (B, height, width), bool, on the boxes' device.
    """
    height, width = size
    joined = torch.cat([b.detach().reshape(-1, 4) for b in boxes])
    image = torch.cat([b.new_full((b.shape[0],), i, dtype=torch.long) for i, b in enumerate(boxes)])
    cells = joined.double() / stride
    x1, y1 = cells[:, 0].floor().clamp(0, width).long(), cells[:, 1].floor().clamp(0, height).long()
    x2, y2 = cells[:, 2].ceil().clamp(0, width).long(), cells[:, 3].ceil().clamp(0, height).long()
    x2, y2 = torch.maximum(x1, x2), torch.maximum(y1, y2)  # a box turned inside out covers nothing
    counts = torch.zeros(len(boxes), height + 1, width + 1, dtype=torch.long, device=joined.device)
    one = torch.ones_like(x1)
    for y, x, step in ((y1, x1, one), (y1, x2, -one), (y2, x1, -one), (y2, x2, one)):
        counts.index_put_((image, y, x), step, accumulate=True)
    return counts.cumsum(1).cumsum(2)[:, :height, :width] > 0


@MODELS.register_module()
@known_arguments_only
class ForegroundBackgroundBalancedLoss(nn.Module):
    """Mean absolute error over the whole map, and once more over the cells on objects.

    Small objects cover so few cells that a plain mean would hardly see them. With d the absolute error
    summed over channels, cells that count V and positive cells P (those that a box touches)::

        loss_global   = loss_weight * sum(d over V) / (|V| * C)
        loss_positive = loss_weight * positive_weight * sum(d over P and V) / (|P and V| * C)

    Both are taken over the whole batch of this process, in float32 whatever the maps' type, and are 0
    where no cell counts. The target gets no gradient.

    Args:
        positive_weight (float): Weight of the positive part beside the global one (the paper's
            lambda). Default 1.0.
        loss_weight (float): Weight of both. Default 1.0.

    Raises:
        UserError: a negative weight.
        ValueError: maps, boxes or a mask whose shapes do not fit each other.

    Source: arXiv:2003.07021, section 3.3.

    Example:
        >>> import torch
        >>> loss = ForegroundBackgroundBalancedLoss()
        >>> parts = loss(torch.zeros(1, 2, 4, 4), torch.ones(1, 2, 4, 4), [torch.zeros(0, 4)], stride=4)
        >>> {name: float(value) for name, value in parts.items()}
        {'loss_global': 1.0, 'loss_positive': 0.0}
    """

    def __init__(self, positive_weight: float = 1.0, loss_weight: float = 1.0) -> None:
        super().__init__()
        for name, value in dict(positive_weight=positive_weight, loss_weight=loss_weight).items():
            if not value >= 0:
                raise UserError(f'loss.{name} must be 0 or more, got {value}')
        self.positive_weight = positive_weight
        self.loss_weight = loss_weight

    def forward(
        self,
        pred: Tensor,
        target: Tensor,
        boxes: Sequence[Tensor],
        stride: float,
        counted: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Compares two maps.

        Args:
            pred (Tensor): (B, C, H, W), the student's map.
            target (Tensor): (B, C, H, W), the teacher's map.
            boxes (Sequence[Tensor]): B tensors of (n, 4), x1, y1, x2, y2 in input pixels.
            stride (float): Input pixels a cell of the maps, in the pixels of ``boxes``.
            counted (Tensor, optional): (B, H, W), bool: cells that count. Default: all.

        Returns:
            dict[str, Tensor]: ``loss_global`` and ``loss_positive``, weighted scalars.
        """
        if pred.shape != target.shape:
            raise ValueError(
                f"the student's map is {tuple(pred.shape)}, the teacher's {tuple(target.shape)}: both "
                'must have one shape'
            )
        batch, channels, height, width = pred.shape
        if len(boxes) != batch:
            raise ValueError(f'{len(boxes)} lists of boxes for a batch of {batch} images')
        for number, image_boxes in enumerate(boxes):
            if image_boxes.ndim != 2 or image_boxes.shape[1] != 4:
                raise ValueError(
                    f'boxes of image {number} must be (n, 4), x1, y1, x2, y2, got '
                    f'{tuple(image_boxes.shape)}'
                )
        positive = positive_cells(boxes, (height, width), stride).to(pred.device)
        if counted is None:
            counted = torch.ones_like(positive)
        elif counted.shape != positive.shape:
            raise ValueError(
                f'counted is {tuple(counted.shape)}, but the maps have {tuple(positive.shape)} cells'
            )
        error = (pred.float() - target.detach().float()).abs().sum(1)
        total = self._mean_over(error, counted, channels)
        on_objects = self._mean_over(error, positive & counted, channels)
        return dict(
            loss_global=self.loss_weight * total,
            loss_positive=self.loss_weight * self.positive_weight * on_objects,
        )

    @staticmethod
    def _mean_over(error: Tensor, cells: Tensor, channels: int) -> Tensor:
        """Mean over the chosen cells and all channels; 0, still in the graph, without such cells."""
        return torch.where(cells, error, 0.0).sum() / (cells.sum().clamp(min=1) * channels)
