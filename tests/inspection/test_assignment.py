"""Positives near boxes beside those of all priors, by MMDetection and by a plain loop in float64."""

import pytest
import torch
from mmdet.models.task_modules import anchor_inside_flags
from mmengine.structures import InstanceData

from mmdet_efpn.datasets import Boxes
from mmdet_efpn.engine.checks import dense_head
from mmdet_efpn.inspection import assignment
from mmdet_efpn.inspection.assignment import positives_of, runs_assigner
from mmdet_efpn.inspection.near_priors import grid_sizes

RPN = 'faster_rcnn/faster-rcnn_r50_fpn_1x_coco'
RETINA = 'retinanet/retinanet_r50_fpn_1x_coco'
ATSS = 'atss/atss_r50_fpn_1x_coco'
FCOS = 'fcos/fcos_r50-caffe_fpn_gn-head_1x_coco'
# points in a part of each box
SAMPLED = 'fcos/fcos_r50-caffe_fpn_gn-head-center-normbbox-centeronreg-giou_1x_coco'


def every_prior(head, sample):
    """All anchors or points of a picture, padded to 32 px, and how many are of each level."""
    padded = [-(-side // 32) * 32 for side in (sample.height, sample.width)]
    levels = head.prior_generator.grid_priors(grid_sizes(head.prior_generator, *padded), device='cpu')
    return torch.cat(levels), [len(level) for level in levels]


def expected_counts(head, sample):
    """Positives (n, L) by MMDetection's assigner on all priors."""
    priors, by_level = every_prior(head, sample)
    amount = len(sample.boxes)
    truth = InstanceData(bboxes=sample.boxes, labels=torch.arange(amount))
    regions = None if sample.ignored is None else InstanceData(bboxes=sample.ignored)
    if hasattr(head, 'assigner'):
        border = head.train_cfg['allowed_border']
        inside = torch.ones(len(priors), dtype=torch.bool)
        inside = anchor_inside_flags(priors, inside, (sample.height, sample.width), border)
        arguments = [InstanceData(priors=priors[inside])]
        if 'ATSS' in type(head.assigner).__name__:
            arguments.append([int(part.sum()) for part in inside.split(by_level)])
        place = torch.zeros(len(priors), dtype=torch.long)
        place[inside] = head.assigner.assign(*arguments, truth, regions).gt_inds
    else:
        head.num_classes = amount  # so that labels are the places of boxes
        labels, _ = head.get_targets(list(priors.split(by_level)), [truth])
        place = torch.cat(labels) + 1
        place[place > amount] = 0
    return torch.stack(
        [torch.bincount(part.clamp(min=0), minlength=amount + 1)[1:] for part in place.split(by_level)],
        1,
    )


@pytest.mark.parametrize('name', [RPN, RETINA, ATSS, FCOS, SAMPLED])
@pytest.mark.parametrize('most', [30, 90])
def test_positives_are_those_of_all_priors(built, made_boxes, name, most):
    head = dense_head(built(name))
    sample = made_boxes(most, most=most)
    assert runs_assigner(head)
    expected = expected_counts(head, sample)
    assert torch.equal(positives_of(head, sample).counts, expected)
    assert expected.any(1).float().mean() > 0.3


@pytest.mark.parametrize('name', [RPN, RETINA])
@pytest.mark.parametrize('seed', range(6))
def test_ties_are_kept(built, made_boxes, name, seed):
    """Whole pixels and sides of anchors: many anchors have the same best IoU, all are positive."""
    head = dense_head(built(name))
    sample = made_boxes(seed, amount=25, most=(8, 20, 33, 70, 130, 160)[seed])
    boxes = sample.boxes.round()
    boxes[::5, 2:] = boxes[::5, :2] + 8
    boxes[1::5] = torch.tensor([0.0, 0, 16, 16])  # in the corner, and several times
    boxes[2::5, 2] = 224  # up to the border
    sample = sample._replace(boxes=boxes)
    assert torch.equal(positives_of(head, sample).counts, expected_counts(head, sample))


@pytest.mark.parametrize('border', [-1, 0])
def test_borders_and_ignored_regions_are_kept(built, made_boxes, border):
    head = dense_head(built(RPN))
    head.train_cfg['allowed_border'] = border
    head.assigner.ignore_iof_thr = 0.5
    sample = made_boxes(5, ignored=3)
    found = positives_of(head, sample)
    assert torch.equal(found.counts, expected_counts(head, sample))
    assert not torch.equal(found.counts, positives_of(head, sample._replace(ignored=None)).counts)


@pytest.mark.parametrize('side', [(96, 40), (33, 500)])
def test_pictures_narrower_than_candidates(built, made_boxes, side):
    head = dense_head(built(ATSS))
    sample = made_boxes(2, amount=5, most=30, height=side[0], width=side[1])
    assert torch.equal(positives_of(head, sample).counts, expected_counts(head, sample))


def test_ious_beside_a_plain_loop(built, made_boxes):
    head = dense_head(built(RPN))
    head.assigner.match_low_quality = False
    sample = made_boxes(1, amount=12, most=70)
    found = positives_of(head, sample)
    priors, by_level = every_prior(head, sample)
    anchors, boxes = priors.double().tolist(), sample.boxes.double().tolist()
    counts, best = [[[0] * len(by_level) for _ in boxes] for _ in range(2)]
    level = [number for number, amount in enumerate(by_level) for _ in range(amount)]
    for place, anchor in enumerate(anchors):
        ious = [iou(anchor, box) for box in boxes]
        if max(ious) >= 0.7:
            box = ious.index(max(ious))
            counts[box][level[place]] += 1
            best[box][level[place]] = max(best[box][level[place]], max(ious))
    assert found.counts.tolist() == counts
    assert found.ious.tolist() == [pytest.approx(row, abs=1e-5) for row in best]
    assert sum(map(sum, counts)) > 0


def iou(first, second):
    """IoU of two boxes, in Python's own numbers."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    shared = max(width, 0.0) * max(height, 0.0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return shared / (sum(areas) - shared)


def test_parts_give_the_same(built, made_boxes, monkeypatch):
    head, sample = dense_head(built(RETINA)), made_boxes(3)
    whole = positives_of(head, sample)
    monkeypatch.setattr(assignment, 'AT_ONCE', 1000)
    with assignment.ious_in_parts(head):
        parts = positives_of(head, sample)
    assert torch.equal(whole.counts, parts.counts)
    assert torch.equal(whole.ious, parts.ious)
    monkeypatch.setattr(assignment, 'MOST_PAIRS', 10)
    assert positives_of(head, sample) is None


@pytest.mark.parametrize(
    'name',
    [
        'yolox/yolox_s_8xb8-300e_coco',
        'tood/tood_r50_fpn_1x_coco',
        'paa/paa_r50_fpn_1x_coco',
        'free_anchor/freeanchor_r50_fpn_1x_coco',
    ],
)
def test_what_reads_predictions_is_not_run(built, name):
    assert not runs_assigner(dense_head(built(name)))


def test_one_box_by_hand(built):
    """A box that is the RPN's 32 px anchor of one cell of stride 4."""
    head = dense_head(built(RPN))
    sample = Boxes(torch.tensor([[64.0, 48, 96, 80]]), 160, 224)
    found = positives_of(head, sample)
    assert found.ious[0, 0] == pytest.approx(1)
    # anchors shifted by a cell: IoU 28/36 = .78; by a cell each way: 28*28/(2*1024-28*28) = .62
    assert found.counts[0, 0] == 5
