"""A detector as one function of tensors: pictures in, boxes, scores, labels and picture numbers out."""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .dense import detections, proposals
from .roi import refined
from .support import require_exportable


class ExportedDetector(nn.Module):
    """A detector's predictions without mmcv's operators, for exporters.

    NMS and RoIAlign are torchvision's. Pictures of a batch have one size; they are padded inside, as the
    detector's data preprocessor pads, and boxes are clipped to the pictures. P2' is a map: forms that
    compute it for RoIs alone give the same boxes to rounding.

    Args:
        detector: One of the kinds that :func:`require_exportable` takes. It is copied.
        normalise: Normalise inside: pictures then are BGR with values from 0 to 255. Otherwise they are
            normalised, with channels in the order of the network.

    Raises:
        UserError: The detector cannot be exported; the message says why.
    """

    def __init__(self, detector: nn.Module, normalise: bool = False) -> None:
        super().__init__()
        require_exportable(detector)
        detector = copy.deepcopy(detector).eval().requires_grad_(False)
        preprocessor = detector.data_preprocessor
        self.normalise = normalise
        self.flips = bool(preprocessor._channel_conversion)
        self.divisor, self.pad_value = preprocessor.pad_size_divisor, float(preprocessor.pad_value)
        normalises = getattr(preprocessor, '_enable_normalize', False)
        channels = 3
        mean = preprocessor.mean if normalises else torch.zeros(channels, 1, 1)
        std = preprocessor.std if normalises else torch.ones(channels, 1, 1)
        self.register_buffer('mean', mean.detach().clone().float().cpu())
        self.register_buffer('std', std.detach().clone().float().cpu())
        self.backbone, self.neck = detector.backbone, _with_maps(detector.neck)
        if hasattr(self.backbone, 'defer_c2_prime'):
            self.backbone.defer_c2_prime = False
        self.rpn_head = getattr(detector, 'rpn_head', None)
        self.head = detector.bbox_head if self.rpn_head is None else detector.roi_head

    @torch.no_grad()
    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Finds objects.

        Args:
            pictures: (B, 3, H, W), float32, of any size.

        Returns:
            tuple: Boxes (n, 4), x1, y1, x2, y2 in the pixels of ``pictures``; scores (n,); labels (n,),
            int64; and the number of each box's picture in the batch (n,), int64. Best first.
        """
        size = pictures.shape[2], pictures.shape[3]
        maps = self.neck(self.backbone(self._prepared(pictures)))
        if self.rpn_head is None:
            found = detections(self.head, maps, size)
        else:
            found = refined(self.head, maps, proposals(self.rpn_head, maps, size), size)
        return found.boxes, found.scores, found.groups, found.pictures

    def _prepared(self, pictures: Tensor) -> Tensor:
        """Pictures normalised, if that is asked for, and padded to the detector's multiple."""
        if self.normalise:
            if self.flips:
                pictures = pictures.flip(1)
            pictures = (pictures - self.mean) / self.std
        height, width = pictures.shape[2], pictures.shape[3]
        bottom, right = -height % self.divisor, -width % self.divisor
        return F.pad(pictures, (0, right, 0, bottom), value=self.pad_value)


def _with_maps(neck: nn.Module) -> nn.Module:
    """A neck whose P2' is a map; its weights are as before."""
    extension = getattr(neck, 'extension', None)
    if extension is not None:
        extension.sparse = extension.widen_on_rois = False
        extension.compiling, extension.with_cp = None, False
    return neck
