"""Level P2' made on the cells of RoIs."""

import torch
from mmcv.ops import RoIAlign, roi_align
from torch import Tensor, nn

from ....utils.errors import UserError
from .level_for_rois import LevelForRoIs

STRIDES = 2, 4  # of C2' and of P3'
MARGIN = 1  # cells around an RoI's that a 3x3 conv reads


class RoILevel(LevelForRoIs):
    """Level P2' of a batch of images, made after pooling: only the cells of RoIs are computed.

    C2' and P3' are pooled for each RoI and one bin around it; the extension's convs then work on those
    bins. The map of P2' never exists, not in training either. RoIAlign and 1x1 convs without norm or
    activation may change places; what differs from pooling the map P2' is that the 3x3 conv reads
    neighbouring bins, whose size follows the object, in the place of neighbouring cells, that P3' is
    interpolated bilinearly, and that a bin beside the image holds what RoIAlign gives it there (the
    value at the border for up to a cell of each map, then zero), where the map's 3x3 conv reads zeros.

    Args:
        extension (nn.Module): The neck's ``PyramidExtension``.
        c2_prime (Tensor): C2', (B, C', H, W), stride 2.
        addend (Tensor): P3' at the sum's width and scale, (B, C'', ceil(H / 2), ceil(W / 2)), stride 4.
    """

    reason = 'is made on RoIs alone'
    remedy = 'neck.extension_cfg.on_rois=False'

    def __init__(self, extension: nn.Module, c2_prime: Tensor, addend: Tensor) -> None:
        self.extension, self.c2_prime, self.addend = extension, c2_prime, addend
        self.shape = torch.Size((*c2_prime.shape[:-3], extension.out_channels, *c2_prime.shape[-2:]))

    def __getitem__(self, index) -> 'RoILevel':
        """The level with the batch indexed, as a map of it would be."""
        return RoILevel(self.extension, self.c2_prime[index], self.addend[index])

    @property
    def made(self) -> Tensor:
        """The addend: (B, c, h, w), stride 4."""
        return self.addend

    def pooled(self, rois: Tensor, roi_layer: nn.Module) -> Tensor:
        """What RoIs get of P2'.

        Args:
            rois (Tensor): (n, 5), index of the image and x1, y1, x2, y2 in pixels.
            roi_layer (nn.Module): The ``RoIAlign`` that would pool them from the map P2'; tells the
                output's size and how bins are sampled.

        Returns:
            Tensor: (n, C, h, w) of the layer's ``output_size``. Without RoIs the extension still has its
            place in the graph, with a zero gradient.

        Raises:
            UserError: The layer is no aligned ``RoIAlign`` that takes the mean.
        """
        if not isinstance(roi_layer, RoIAlign) or roi_layer.pool_mode != 'avg' or not roi_layer.aligned:
            raise UserError(
                "neck.extension_cfg.on_rois=True needs roi_layer=dict(type='RoIAlign', "
                "pool_mode='avg', aligned=True) in the roi_head's extractors, so that bins of C2' "
                f"and P3' are of one place; got {roi_layer}"
            )
        height, width = roi_layer.output_size
        if not len(rois):
            zero = (
                sum(
                    value.sum()
                    for value in (self.c2_prime, self.addend, *self.extension.fusing_parameters())
                )
                * 0
            )
            return zero.expand(0, self.extension.out_channels, height, width)
        bins = (rois[:, 3:] - rois[:, 1:3]) / rois.new_tensor((width, height)) * MARGIN
        grown = torch.cat((rois[:, :1], rois[:, 1:3] - bins, rois[:, 3:] + bins), dim=1)
        size = height + 2 * MARGIN, width + 2 * MARGIN
        return self.extension.fuse(
            *(
                self._align(feature, grown, size, 1 / stride, roi_layer)
                for feature, stride in zip((self.c2_prime, self.addend), STRIDES, strict=True)
            )
        )

    @staticmethod
    def _align(
        feature: Tensor, rois: Tensor, size: tuple[int, int], scale: float, roi_layer: RoIAlign
    ) -> Tensor:
        """RoIAlign in float32 at least: it takes no bfloat16, and float16 moves boxes by up to 1 px.

        It reads a channels-last map as if it were contiguous.
        """
        dtype = torch.promote_types(feature.dtype, torch.float32)
        return roi_align(
            feature.to(dtype).contiguous(),
            rois.to(dtype),
            size,
            scale,
            roi_layer.sampling_ratio,
            'avg',
            True,
        ).to(feature.dtype)
