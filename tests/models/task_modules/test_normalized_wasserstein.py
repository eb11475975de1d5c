"""NWD against a plain program in float64 and hand-worked boxes; in an assigner and as a loss."""

import math

import pytest
import torch
from mmdet.models.task_modules import MaxIoUAssigner
from mmdet.registry import MODELS, TASK_UTILS
from mmdet.structures.bbox import HorizontalBoxes
from mmengine.structures import InstanceData

from mmdet_efpn.models.losses import NWDLoss
from mmdet_efpn.models.task_modules import NormalizedWasserstein2D
from mmdet_efpn.utils.errors import UserError


def plain(a, b, constant):
    """Through the Gaussians' means and covariances, which commute: Tr((S1^1/2 - S2^1/2)^2)."""
    means = [((x[0] + x[2]) / 2, (x[1] + x[3]) / 2) for x in (a, b)]
    roots = [((x[2] - x[0]) / 2, (x[3] - x[1]) / 2) for x in (a, b)]
    squared = sum((p - q) ** 2 for p, q in zip(*means, strict=True))
    squared += sum((p - q) ** 2 for p, q in zip(*roots, strict=True))
    return math.exp(-math.sqrt(squared) / constant)


def some_boxes(count, seed, dtype=torch.double):
    generator = torch.Generator().manual_seed(seed)
    start = torch.rand(count, 2, generator=generator, dtype=dtype) * 50
    return torch.cat((start, start + 1 + 20 * torch.rand(count, 2, generator=generator, dtype=dtype)), 1)


def test_by_hand():
    boxes = torch.tensor([[0.0, 0, 4, 4], [4, 0, 8, 4], [0, 0, 10, 12], [3, 4, 7, 8]])
    nwd = NormalizedWasserstein2D(constant=5.0)(boxes[:1], boxes)[0]
    # same; 4 px away; centre (3, 4) px away and half sides 3 and 4 px longer; centre (3, 4) px away
    expected = [1, math.exp(-4 / 5), math.exp(-math.sqrt(50) / 5), math.exp(-1)]
    torch.testing.assert_close(nwd, torch.tensor(expected))


def test_against_the_plain_formula():
    first, second = some_boxes(7, 0), some_boxes(5, 1)
    similarity = TASK_UTILS.build(dict(type='NormalizedWasserstein2D', constant=9.0))
    expected = torch.tensor([[plain(a, b, 9.0) for b in second.tolist()] for a in first.tolist()])
    torch.testing.assert_close(similarity(first, second), expected.double(), rtol=0, atol=1e-7)
    aligned = similarity(first[:5], second, is_aligned=True)
    torch.testing.assert_close(aligned, expected.double().diagonal(), rtol=0, atol=1e-7)
    scored = torch.cat((second, second[:, :1]), 1)
    assert torch.equal(similarity(HorizontalBoxes(first), scored), similarity(first, second))
    assert similarity(first[:0], second).shape == (0, 5)


def test_what_is_inside_a_region_is_a_share():
    region, box = torch.tensor([[0.0, 0, 100, 100]]), torch.tensor([[90.0, 0, 110, 10]])
    assert NormalizedWasserstein2D()(box, region, mode='iof').item() == pytest.approx(0.5)


def test_an_assigner_finds_a_prior_that_does_not_touch():
    truth = InstanceData(bboxes=torch.tensor([[0.0, 0, 4, 4]]), labels=torch.tensor([0]))
    priors = InstanceData(priors=torch.tensor([[5.0, 0, 9, 4], [40, 40, 44, 44]]))
    settings = dict(pos_iou_thr=0.6, neg_iou_thr=0.3, min_pos_iou=0.3, match_low_quality=False)
    by_iou = MaxIoUAssigner(**settings).assign(priors, truth)
    assert by_iou.gt_inds.tolist() == [0, 0]
    nwd = dict(type='NormalizedWasserstein2D', constant=12.8)
    by_nwd = MaxIoUAssigner(iou_calculator=nwd, **settings).assign(priors, truth)
    assert by_nwd.gt_inds.tolist() == [1, 0]


def test_loss():
    pred, target = some_boxes(6, 2).requires_grad_(), some_boxes(6, 3)
    weight = torch.tensor([1.0, 0, 2, 1, 1, 1]).double()
    loss = MODELS.build(dict(type='NWDLoss', constant=8.0, loss_weight=3.0))
    each = [1 - plain(a, b, 8.0) for a, b in zip(pred.tolist(), target.tolist(), strict=True)]
    assert loss(pred, target).item() == pytest.approx(3 * sum(each) / 6)
    weighted = sum(w * value for w, value in zip(weight.tolist(), each, strict=True))
    found = loss(pred, target, weight[:, None].expand(6, 4), avg_factor=4.0)
    assert found.item() == pytest.approx(3 * weighted / 4)
    assert loss(pred, target, reduction_override='none').shape == (6,)
    assert torch.autograd.gradcheck(lambda boxes: loss(boxes, target), pred)
    far = torch.tensor([[100.0, 100, 104, 104]], requires_grad=True)
    NWDLoss()(far, torch.tensor([[90.0, 100, 94, 104]])).backward()
    assert far.grad[0, 0] > 0  # to the left is nearer
    same = torch.tensor([[1.0, 2, 3, 4]], requires_grad=True)
    NWDLoss()(same, same.detach()).backward()
    assert torch.isfinite(same.grad).all()


@pytest.mark.parametrize('constant', [0, -1, float('nan'), float('inf'), True, '12'])
def test_wrong_numbers(constant):
    for kind in (NormalizedWasserstein2D, NWDLoss):
        with pytest.raises(UserError, match='constant must be a positive number, got'):
            kind(constant=constant)
    with pytest.raises(UserError, match='reduction must be'):
        NWDLoss(reduction='max')
    with pytest.raises(UserError, match='loss_weight must be a positive number'):
        NWDLoss(loss_weight=constant)
