"""Which cells of a map count in distillation, and the boxes on it."""

import torch
from mmdet.structures.bbox import get_box_tensor
from torch import Tensor

from ..losses.foreground_background_balanced_loss import positive_cells


def gt_boxes(batch_data_samples, name: str, like: Tensor) -> list[Tensor]:
    """The boxes of each image as tensors (n, 4); an image without such instances has none."""
    return [
        get_box_tensor(getattr(sample, name).bboxes).to(like.device)
        if name in sample
        else like.new_zeros((0, 4), dtype=torch.float32)
        for sample in batch_data_samples
    ]


def counted_cells(batch_data_samples, feature: Tensor, stride: int) -> Tensor:
    """Marks the cells that lie on the image and on no region marked as ignored.

    Args:
        batch_data_samples (list[DetDataSample]): With ``img_shape`` and, where there are ignored
            regions, ``ignored_instances``.
        feature (Tensor): (B, C, H, W), the map.
        stride (int): Its stride in the pixels of the samples.

    Returns:
        Tensor: (B, H, W), bool. A cell that is partly on the image counts.
    """
    size = tuple(feature.shape[2:])
    images = [
        feature.new_tensor([[0, 0, *sample.img_shape[1::-1]]], dtype=torch.float32)
        for sample in batch_data_samples
    ]
    ignored = gt_boxes(batch_data_samples, 'ignored_instances', feature)
    return positive_cells(images, size, stride) & ~positive_cells(ignored, size, stride)
