"""Positives over many pictures, for every kind of head."""

import numpy as np
import pytest
import torch

from mmdet_efpn.datasets import Boxes
from mmdet_efpn.inspection.matching import Matching, match, pooled_from, roi_strides


def test_shares_by_hand():
    matching = Matching(
        (4.0, 8.0),
        np.array([[1, 0], [0, 2], [3, 1], [0, 0]]),
        np.array([[0.4, 0.0], [0.0, 0.6], [0.8, 0.5], [0.0, 0.0]]),
        'by hand',
    )
    assert matching.share() == 0.75
    assert matching.share(level=0) == 0.5
    assert matching.share(0.5) == 0.5
    assert matching.share(0.55, level=1) == 0.25
    assert matching.middle_iou() == pytest.approx(0.6)
    assert matching.middle_iou(1) == pytest.approx(0.55)


def test_pictures_are_joined_in_their_order(built, made_boxes):
    model = built('faster_rcnn/faster-rcnn_r50_fpn_1x_coco')
    samples = [made_boxes(0, 5), Boxes(torch.zeros(0, 4), 64, 64), made_boxes(1, 7)]
    both = match(model, samples)
    alone = [match(model, [sample]) for sample in (samples[0], samples[2])]
    assert np.array_equal(both.counts, np.vstack([part.counts for part in alone]))
    assert len(both.counts) == 12
    assert both.rule == "MMDetection's MaxIoUAssigner"
    assert match(model, samples[1:2]) is None


def test_points_have_no_iou(built, made_boxes):
    matching = match(built('fcos/fcos_r50-caffe_fpn_gn-head_1x_coco'), [made_boxes()])
    assert matching.ious is None
    assert matching.middle_iou() is None
    assert matching.share() > 0.5
    with pytest.raises(ValueError, match='points have no IoU'):
        matching.share(0.5)


def test_other_assigners_get_the_plain_rule(built, made_boxes):
    matching = match(built('yolox/yolox_s_8xb8-300e_coco'), [made_boxes(most=60)])
    assert matching.strides == (8, 16, 32)
    assert 'a point inside the box (a plain rule: SimOTAAssigner' in matching.rule
    assert set(np.unique(matching.counts)) == {0, 1}


def test_detectors_without_priors_have_no_matching(built, made_boxes):
    model = built('detr/detr_r50_8xb2-150e_coco', light=False)
    assert match(model, [made_boxes()]) is None
    assert roi_strides(model) == ()
    assert pooled_from(model, [made_boxes()]) is None


def test_wrapped_detectors_are_looked_into(built):
    model = torch.nn.Module()
    model.student = built('faster_rcnn/faster-rcnn_r50_fpn_1x_coco')
    assert roi_strides(model) == (4, 8, 16, 32)


@pytest.mark.parametrize(
    'name', ['faster_rcnn/faster-rcnn_r50_fpn_1x_coco', 'cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco']
)
def test_rois_are_pooled_by_their_side(built, name):
    model = built(name)
    sides = torch.tensor([10.0, 111, 113, 223, 225, 447, 449, 900])
    boxes = torch.stack([torch.zeros(8), torch.zeros(8), sides, sides], 1)
    assert roi_strides(model) == (4, 8, 16, 32)
    # level k from 56 * 2^k px on, in doubles of 56: 10 -> 0, 113 -> 1, 225 -> 2, 449 -> 3
    assert pooled_from(model, [Boxes(boxes, 900, 900)]).tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
