"""Detectron's levels of RoIs, and its decoding in the picture's own pixels."""

import math

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import ConfigDict

import mmdet_efpn  # noqa: F401  (registers the modules)
from mmdet_efpn.utils.errors import UserError

STRIDES = [2, 4, 8, 16, 32]


def extractor(**kwargs):
    return MODELS.build(
        dict(
            type='DetectronRoIExtractor',
            roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=2, aligned=False),
            out_channels=4,
            featmap_strides=STRIDES,
            finest_scale=28,
        )
        | kwargs
    )


@pytest.mark.parametrize(
    ('side', 'level'),
    [(54.9, 0), (55, 1), (55.5, 1), (110.9, 1), (111, 2), (223, 3), (447, 4), (2000, 4)],
)
def test_the_last_pixel_counts_for_the_level(side, level):
    """56 pixels wide is a box from 0 to 55."""
    rois = torch.tensor([[0, 30.0, 30.0, 30 + side, 30 + side]])
    assert extractor().map_roi_levels(rois, 5).item() == level


def test_levels_are_the_published_formula():
    corners = torch.rand(300, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 600
    rois = torch.cat((torch.zeros(300, 3, dtype=torch.float64), corners), dim=1)
    for roi, level in zip(rois.tolist(), extractor().map_roi_levels(rois, 5).tolist(), strict=True):
        scale = math.sqrt((roi[3] + 1) * (roi[4] + 1))
        published = math.floor(4 + math.log2(scale / 224 + 1e-6))
        assert level + 1 == min(max(published, 1), 5)


def test_another_scale_is_refused():
    with pytest.raises(UserError, match=r'finest_scale must be 28 for featmap_strides .* got 56'):
        extractor(finest_scale=56)
    assert extractor(featmap_strides=[4, 8, 16, 32], finest_scale=56).finest_scale == 56


def box_head():
    torch.manual_seed(0)
    head = MODELS.build(
        dict(
            type='DetectronBBoxHead',
            in_channels=4,
            fc_out_channels=16,
            roi_feat_size=7,
            num_classes=2,
            bbox_coder=dict(type='DetectronBBoxCoder', target_stds=[0.1, 0.1, 0.2, 0.2]),
        )
    )
    return head.eval()


def test_deltas_are_applied_in_the_pictures_pixels():
    """A box of 10..29 in the image of twice the size is 5..14.5 in the picture, 10.5 pixels wide."""
    rois = torch.tensor([[0.0, 10.0, 10.0, 29.0, 29.0]])
    deltas = torch.tensor([[0.0, 0.0, math.log(2) / 0.2, 0.0, 1.0, 0.0, 0.0, 0.0]])
    scores = torch.tensor([[2.0, 2.0, 0.0]])
    meta = dict(img_shape=(64, 64), ori_shape=(30, 30), scale_factor=(2.0, 2.0))
    cfg = ConfigDict(score_thr=0.1, nms=dict(type='nms', iou_threshold=1.0), max_per_img=10)

    def boxes(rescale):
        (result,) = box_head().predict_by_feat(
            (rois,), (scores,), (deltas,), [meta], rcnn_test_cfg=cfg, rescale=rescale
        )
        return result.bboxes[result.labels.argsort()]

    torch.testing.assert_close(
        boxes(rescale=True), torch.tensor([[0.0, 5.0, 19.75, 14.5], [6.05, 5.0, 15.55, 14.5]])
    )
    torch.testing.assert_close(
        boxes(rescale=False), torch.tensor([[0.0, 10.0, 39.0, 29.0], [12.0, 10.0, 31.0, 29.0]])
    )
