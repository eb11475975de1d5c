"""Level P2' before its last 1x1 conv, which works on what RoIs have pooled."""

import torch
from mmcv.cnn import ConvModule
from mmcv.ops import RoIAlign
from torch import Tensor, nn

from ....utils.errors import UserError
from ...utils.readable import readable
from .level_for_rois import LevelForRoIs


class NarrowLevel(LevelForRoIs):
    """Level P2' of a batch of images as the narrower map that its last 1x1 conv reads.

    RoIAlign takes means of values that it interpolates in each channel alone, so a 1x1 conv without bias
    may come after it: RoIs get what they would get of the map P2', to rounding. The wide map at stride 2
    is never written, and the conv runs on the RoIs' bins.

    Args:
        conv (ConvModule): The last conv: 1x1, without bias, norm and activation.
        narrow (Tensor): What it reads, (B, c, H, W), stride 2.
    """

    reason = 'has its last conv on RoIs'
    remedy = 'neck.extension_cfg.widen_on_rois=False'
    has_map = True

    def __init__(self, conv: ConvModule, narrow: Tensor) -> None:
        self.conv, self.narrow = conv, narrow
        self.shape = torch.Size((*narrow.shape[:-3], conv.out_channels, *narrow.shape[-2:]))

    def __getitem__(self, index) -> 'NarrowLevel':
        """The level with the batch indexed, as a map of it would be."""
        return NarrowLevel(self.conv, self.narrow[index])

    @property
    def made(self) -> Tensor:
        """The map that exists: (B, c, H, W)."""
        return self.narrow

    def dense(self) -> Tensor:
        """The whole of P2', (B, C, H, W)."""
        return self.conv(self.narrow)

    def sum(self) -> Tensor:
        """The sum of P2' over all cells and channels, without P2'."""
        return self.conv(self.narrow.sum(dim=(0, 2, 3))[None, :, None, None]).sum()

    def pooled(self, rois: Tensor, roi_layer: nn.Module) -> Tensor:
        """What RoIs get of P2'.

        Args:
            rois (Tensor): (n, 5), index of the image and x1, y1, x2, y2 in pixels.
            roi_layer (nn.Module): The ``RoIAlign`` that would pool them from the map P2'.

        Returns:
            Tensor: (n, C, h, w) of the layer's ``output_size``. Without RoIs the extension still has its
            place in the graph, with a zero gradient.

        Raises:
            UserError: The layer is no ``RoIAlign`` that takes the mean.
        """
        if not isinstance(roi_layer, RoIAlign) or roi_layer.pool_mode != 'avg':
            raise UserError(
                "neck.extension_cfg.widen_on_rois=True needs roi_layer=dict(type='RoIAlign', "
                "pool_mode='avg') in the roi_head's extractors, which may come before a 1x1 conv; "
                f'got {roi_layer}'
            )
        if len(rois):
            return self.conv(roi_layer(readable(self.narrow), rois))
        zero = (self.narrow.flatten()[:1].sum() + self.conv.conv.weight.sum()) * 0
        return zero.expand(0, self.conv.out_channels, *roi_layer.output_size)
