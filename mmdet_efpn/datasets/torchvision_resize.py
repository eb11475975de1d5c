"""Resizing as torchvision's detectors do it: sides are cut to whole pixels, values are not rounded."""

import torch
import torch.nn.functional as F
from mmdet.datasets.transforms import Resize
from mmdet.registry import TRANSFORMS

from ..utils.known_names import known_arguments_only


@TRANSFORMS.register_module()
@known_arguments_only
class TorchvisionResize(Resize):
    """Brings the short side to a length, unless the long one would be too long.

    Sides are cut to whole pixels, where MMDetection's ``Resize`` rounds them, and values stay float.

    Args:
        scale (Sequence[int]): Longest long side and the short side's length, in either order.

    Source: torchvision/models/detection/transform.py.

    Example:
        >>> import numpy as np
        >>> results = TorchvisionResize(scale=(1333, 800))(dict(img=np.zeros((480, 640, 3), np.float32)))
        >>> results['img'].shape[:2]
        (800, 1066)
    """

    def __init__(self, scale) -> None:
        super().__init__(scale=tuple(scale), keep_ratio=False)

    def _resize_img(self, results: dict) -> None:
        """Resizes the image, and notes its size and both sides' factors, by which boxes are scaled."""
        height, width = results['img'].shape[:2]
        short, long = sorted((height, width))
        factor = min(min(self.scale) / short, max(self.scale) / long)
        size = int(width * factor), int(height * factor)
        # By torch, for OpenCV's weights of the pixels between differ in the fifth digit.
        image = torch.from_numpy(results['img']).permute(2, 0, 1)[None].float()
        image = F.interpolate(image, size[::-1], mode='bilinear', align_corners=False)
        results.update(
            img=image[0].permute(1, 2, 0).contiguous().numpy(),
            img_shape=size[::-1],
            scale=size,
            scale_factor=(size[0] / width, size[1] / height),
            keep_ratio=True,
        )
