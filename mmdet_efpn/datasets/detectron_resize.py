"""Resizing as Detectron does it: one factor for both sides, and for the boxes."""

import cv2
from mmdet.datasets.transforms import Resize
from mmdet.registry import TRANSFORMS

from ..utils.known_names import known_arguments_only


@TRANSFORMS.register_module()
@known_arguments_only
class DetectronResize(Resize):
    """Brings the short side to a length, unless the long one would be too long.

    The size is rounded, but the factor stays as it is: pixels are sampled by it, and boxes divided by
    it. MMDetection's ``Resize`` samples and scales by the rounded size, which moves a box at the far end
    of a side by up to half a pixel of the resized image.

    Args:
        scale (Sequence[int]): Longest long side and the short side's length, in either order.

    Source: ``prep_im_for_blob`` of Detectron.

    Example:
        >>> import numpy as np
        >>> results = DetectronResize(scale=(1333, 800))(dict(img=np.zeros((480, 640, 3), np.float32)))
        >>> results['img'].shape[:2], [round(factor, 3) for factor in results['scale_factor']]
        ((800, 1067), [1.667, 1.667])
    """

    def __init__(self, scale) -> None:
        super().__init__(scale=tuple(scale), keep_ratio=False)

    def _resize_img(self, results: dict) -> None:
        """Resizes the image, and notes the factor and the size that masks get too."""
        short, long = sorted(results['img'].shape[:2])
        factor = min(self.scale) / short
        if round(factor * long) > max(self.scale):
            factor = max(self.scale) / long
        image = cv2.resize(results['img'], None, fx=factor, fy=factor, interpolation=cv2.INTER_LINEAR)
        results.update(
            img=image,
            img_shape=image.shape[:2],
            scale=image.shape[1::-1],
            scale_factor=(factor, factor),
            keep_ratio=True,
        )
