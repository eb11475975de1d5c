"""The distillation loss against a plain loop, and cells worked by hand."""

import math

import pytest
import torch
from mmdet.registry import MODELS

from mmdet_efpn.models import ForegroundBackgroundBalancedLoss
from mmdet_efpn.models.losses.foreground_background_balanced_loss import positive_cells


def looped(pred, target, boxes, stride, counted=None):
    """Both parts, cell by cell and box by box, in float64."""
    batch, channels, height, width = pred.shape
    total = on_objects = 0.0
    cells = object_cells = 0
    for b in range(batch):
        for i in range(height):
            for j in range(width):
                if counted is not None and not counted[b, i, j]:
                    continue
                error = sum(
                    abs(float(pred[b, c, i, j]) - float(target[b, c, i, j])) for c in range(channels)
                )
                total, cells = total + error, cells + 1
                if any(
                    math.floor(x1 / stride) <= j < math.ceil(x2 / stride)
                    and math.floor(y1 / stride) <= i < math.ceil(y2 / stride)
                    for x1, y1, x2, y2 in boxes[b].tolist()
                ):
                    on_objects, object_cells = on_objects + error, object_cells + 1
    return total / (cells * channels), on_objects / (max(object_cells, 1) * channels)


def random_boxes(generator, n, side):
    corners = torch.rand(n, 2, 2, generator=generator) * side * 1.4 - 0.2 * side  # some partly outside
    return torch.cat((corners.amin(1), corners.amax(1)), 1)


@pytest.mark.parametrize('stride', [2, 4, 8])
@pytest.mark.parametrize('masked', [False, True])
def test_equals_the_loop(stride, masked):
    g = torch.Generator().manual_seed(stride)
    pred, target = (torch.rand(3, 5, 6, 7, generator=g) for _ in range(2))
    boxes = [random_boxes(g, n, 6 * stride) for n in (4, 0, 1)]
    counted = torch.rand(3, 6, 7, generator=g) > 0.3 if masked else None
    parts = ForegroundBackgroundBalancedLoss(0.7, 3.0)(pred, target, boxes, stride, counted)
    whole, on_objects = looped(pred, target, boxes, stride, counted)
    assert float(parts['loss_global']) == pytest.approx(3.0 * whole, rel=1e-5)
    assert float(parts['loss_positive']) == pytest.approx(3.0 * 0.7 * on_objects, rel=1e-5)


@pytest.mark.parametrize(
    ('box', 'stride', 'rows', 'columns'),
    [
        ((4, 8, 8, 12), 4, [2], [1]),  # on the grid: exactly its cell
        ((3.9, 8, 8.1, 12), 4, [2], [0, 1, 2]),  # grown outwards
        ((5, 9, 6, 10), 4, [2], [1]),  # inside one cell
        ((5, 9, 6, 10), 2, [4], [2]),
        ((-30, -30, 1, 1), 4, [0], [0]),  # clipped at the corner
        ((14, 14, 90, 90), 4, [3], [3]),
        ((-9, 2, -1, 6), 4, [], []),  # outside, left
        ((40, 2, 50, 6), 4, [], []),  # outside, right
        ((5, 5, 5, 5), 4, [1], [1]),  # no size, inside a cell: that cell
        ((8, 3, 4, 9), 4, [], []),  # turned inside out
    ],
)
def test_cells_worked_by_hand(box, stride, rows, columns):
    expected = torch.zeros(1, 4 if stride == 4 else 8, 4 if stride == 4 else 8, dtype=torch.bool)
    for i in rows:
        for j in columns:
            expected[0, i, j] = True
    cells = positive_cells([torch.tensor([box], dtype=torch.float32)], expected.shape[1:], stride)
    assert torch.equal(cells, expected)


def test_boxes_of_one_image_do_not_mark_another_and_overlaps_count_once():
    boxes = [torch.zeros(0, 4), torch.tensor([[0.0, 0, 8, 8], [4, 4, 12, 12]])]
    cells = positive_cells(boxes, (4, 4), 4)
    assert not cells[0].any()
    assert cells[1].sum() == 7


def test_without_boxes_the_positive_part_is_zero_and_still_in_the_graph():
    pred = torch.rand(2, 3, 4, 4, requires_grad=True)
    parts = ForegroundBackgroundBalancedLoss()(pred, torch.zeros(2, 3, 4, 4), [torch.zeros(0, 4)] * 2, 4)
    assert parts['loss_positive'].detach() == 0
    (parts['loss_global'] + parts['loss_positive']).backward()
    assert pred.grad.isfinite().all()
    assert (pred.grad > 0).all()


def test_nothing_counted_is_zero_not_nan():
    pred = torch.rand(1, 3, 4, 4, requires_grad=True)
    parts = ForegroundBackgroundBalancedLoss()(
        pred, torch.zeros(1, 3, 4, 4), [torch.tensor([[0.0, 0, 9, 9]])], 4, torch.zeros(1, 4, 4).bool()
    )
    assert all(part.detach() == 0 for part in parts.values())
    parts['loss_global'].backward()
    assert (pred.grad == 0).all()


def test_the_target_gets_no_gradient():
    target = torch.rand(1, 2, 4, 4, requires_grad=True)
    pred = torch.rand(1, 2, 4, 4, requires_grad=True)
    sum(ForegroundBackgroundBalancedLoss()(pred, target, [torch.zeros(0, 4)], 4).values()).backward()
    assert target.grad is None
    assert pred.grad is not None


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_maps_are_summed_in_float32(dtype):
    g = torch.Generator().manual_seed(0)
    pred, target = (100 * torch.randn(2, 64, 40, 40, generator=g).to(dtype) for _ in range(2))
    boxes = [torch.tensor([[0.0, 0, 160, 160]])] * 2
    with torch.autocast('cpu', torch.bfloat16):
        parts = ForegroundBackgroundBalancedLoss()(pred, target, boxes, 4)
    expected = (pred.double() - target.double()).abs().mean()
    for value in parts.values():
        assert value.dtype == torch.float32
        assert float(value) == pytest.approx(float(expected), rel=1e-5)


def test_is_registered_and_refuses_what_does_not_belong_together():
    loss = MODELS.build(dict(type='ForegroundBackgroundBalancedLoss', positive_weight=2.0))
    assert (loss.positive_weight, loss.loss_weight) == (2.0, 1.0)
    maps = torch.zeros(1, 2, 4, 4)
    with pytest.raises(ValueError, match=r'loss\.positive_weight .* -1'):
        ForegroundBackgroundBalancedLoss(positive_weight=-1)
    with pytest.raises(ValueError, match=r'\(1, 2, 4, 4\), the teacher\'s \(1, 2, 4, 5\)'):
        loss(maps, torch.zeros(1, 2, 4, 5), [torch.zeros(0, 4)], 4)
    with pytest.raises(ValueError, match='2 lists of boxes for a batch of 1'):
        loss(maps, maps, [torch.zeros(0, 4)] * 2, 4)
    for shape in ((1, 8), (2, 5), (4,)):
        with pytest.raises(ValueError, match=r'boxes of image 0 must be \(n, 4\)'):
            loss(maps, maps, [torch.zeros(shape)], 4)
    with pytest.raises(ValueError, match='counted is'):
        loss(maps, maps, [torch.zeros(0, 4)], 4, torch.ones(1, 3, 4).bool())
