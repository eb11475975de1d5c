"""Shares of unmatched boxes beside MMDetection's own anchors and assigner."""

import pytest
import torch
from mmdet.models.task_modules import MaxIoUAssigner
from mmdet.registry import MODELS
from mmdet.structures.bbox import bbox_overlaps
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmdet_efpn.datasets import Boxes
from mmdet_efpn.engine.checks import unmatched_shares
from mmdet_efpn.utils.pretrained import without_weights

HEIGHT, WIDTH = 160, 224


def boxes(seed=0, most=90):
    """60 boxes of 3 to ``most`` px in one picture."""
    make = torch.Generator().manual_seed(seed)
    sides = torch.rand(60, 2, generator=make) * (most - 3) + 3
    centre = torch.rand(60, 2, generator=make) * torch.tensor([WIDTH, HEIGHT])
    corners = torch.cat([centre - sides / 2, centre + sides / 2], 1)
    corners[:, 0::2].clamp_(0, WIDTH)
    corners[:, 1::2].clamp_(0, HEIGHT)
    return [Boxes(corners, HEIGHT, WIDTH)]


def detector(shipped, name):
    init_default_scope('mmdet')
    init = Config(dict(model=without_weights(shipped(name, light=True).model)))
    return MODELS.build(init.model)


def grids(strides):
    return [(-(-HEIGHT // y), -(-WIDTH // x)) for x, y in strides]


@pytest.mark.parametrize(
    'name', ['faster_rcnn/faster-rcnn_r50_fpn_1x_coco', 'retinanet/retinanet_r50_fpn_1x_coco']
)
def test_anchors_match_as_mmdetections_assigner_says(shipped, name):
    model = detector(shipped, name)
    head = getattr(model, 'rpn_head', None) or model.bbox_head
    anchors = head.prior_generator.grid_priors(grids(head.prior_generator.strides), device='cpu')
    (sample,) = samples = boxes()
    threshold = head.assigner.pos_iou_thr
    assert isinstance(head.assigner, MaxIoUAssigner)
    hit = [bbox_overlaps(sample.boxes, level).amax(1) >= threshold for level in anchors]
    found = unmatched_shares(model, samples)
    for (stride, share), expected, own in zip(
        found.by_level, hit, head.prior_generator.strides, strict=True
    ):
        assert stride == own
        assert share == pytest.approx(1 - expected.float().mean().item())
    assert found.on_all == pytest.approx(1 - torch.stack(hit).any(0).float().mean().item())
    assert 0 < found.on_all < 1


def test_points_match_as_fcos_says(shipped):
    model = detector(shipped, 'fcos/fcos_r50-caffe_fpn_gn-head_1x_coco')
    head = model.bbox_head
    points = head.prior_generator.grid_priors(grids(head.prior_generator.strides), device='cpu')
    (sample,) = samples = boxes(1)
    found = unmatched_shares(model, samples)
    for (_, share), level, (low, high) in zip(found.by_level, points, head.regress_ranges, strict=True):
        reach = torch.cat(
            [
                level[None] - sample.boxes[:, None, :2],
                sample.boxes[:, None, 2:] - level[None],
            ],
            -1,
        )
        farthest = reach.amax(-1)
        hit = ((reach.amin(-1) > 0) & (farthest >= low) & (farthest <= high)).any(1)
        assert share == pytest.approx(1 - hit.float().mean().item())
    assert found.rule == "a point inside the box that is in its level's range"


def test_a_detector_without_priors_has_none(shipped):
    model = torch.nn.Module()
    model.backbone = torch.nn.Identity()
    assert unmatched_shares(model, boxes()) is None


def test_without_boxes_there_is_no_share(shipped):
    model = detector(shipped, 'retinanet/retinanet_r50_fpn_1x_coco')
    assert unmatched_shares(model, [Boxes(torch.zeros(0, 4), 64, 64)]) is None
