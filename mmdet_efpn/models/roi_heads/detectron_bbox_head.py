"""Box head that decodes boxes in the image's own pixels, as Detectron does."""

import torch
from mmdet.models.roi_heads import Shared2FCBBoxHead
from mmdet.registry import MODELS
from mmengine.structures import InstanceData
from torch import Tensor

from ...utils.known_names import known_arguments_only


@MODELS.register_module()
@known_arguments_only
class DetectronBBoxHead(Shared2FCBBoxHead):
    """MMDetection's ``Shared2FCBBoxHead`` whose RoIs are scaled back before deltas are applied.

    MMDetection applies them in the scaled image and scales the result back. With
    ``DetectronBBoxCoder``, for which a box is a pixel wider than its corners are apart, it makes a
    difference in which image that pixel is. Training is as MMDetection's.

    Args:
        *args, **kwargs: Of ``Shared2FCBBoxHead``.

    Source: ``im_detect_bbox`` of Detectron.
    """

    def _predict_by_feat_single(
        self,
        roi: Tensor,
        cls_score: Tensor,
        bbox_pred: Tensor,
        img_meta: dict,
        rescale: bool = False,
        rcnn_test_cfg=None,
    ) -> InstanceData:
        """As in the parent; RoIs (n, 5) are of the scaled image."""
        if rescale:
            factors = roi.new_tensor(img_meta['scale_factor']).repeat(2)
            roi = torch.cat((roi[:, :1], roi[:, 1:] / factors), dim=1)
            img_meta = dict(img_meta, img_shape=img_meta['ori_shape'])
        return super()._predict_by_feat_single(
            roi, cls_score, bbox_pred, img_meta, rescale=False, rcnn_test_cfg=rcnn_test_cfg
        )
