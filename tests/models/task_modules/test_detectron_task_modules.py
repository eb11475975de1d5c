"""Detectron's anchors and box coder, against its published numbers and plain formulas."""

import math

import pytest
import torch
from mmdet.models.task_modules import AnchorGenerator
from mmdet.registry import TASK_UTILS
from mmdet.structures.bbox import HorizontalBoxes

import mmdet_efpn  # noqa: F401  (registers the modules)
from mmdet_efpn.utils.errors import UserError


def test_anchors_are_the_published_ones():
    """The nine anchors of Faster R-CNN at stride 16, as its authors print them (0-based)."""
    generator = TASK_UTILS.build(
        dict(type='DetectronAnchorGenerator', strides=[16], ratios=[0.5, 1.0, 2.0], scales=[8, 16, 32])
    )
    assert generator.base_anchors[0].tolist() == [
        [-84, -40, 99, 55],
        [-176, -88, 191, 103],
        [-360, -184, 375, 199],
        [-56, -56, 71, 71],
        [-120, -120, 135, 135],
        [-248, -248, 263, 263],
        [-36, -80, 51, 95],
        [-80, -168, 95, 183],
        [-168, -344, 183, 359],
    ]


@pytest.mark.parametrize('scale', [4, 8])
def test_anchors_are_whole_and_centred_between_a_cells_pixels(scale):
    generator = TASK_UTILS.build(
        dict(
            type='DetectronAnchorGenerator',
            strides=[4, 8, 16, 32, 64],
            ratios=[0.5, 1.0, 2.0],
            scales=[scale],
        )
    )
    for stride, anchors in zip((4, 8, 16, 32, 64), generator.base_anchors, strict=True):
        assert torch.equal(anchors, anchors.round())
        assert ((anchors[:, :2] + anchors[:, 2:]) / 2 == (stride - 1) / 2).all()
        assert (anchors[1, 2:] - anchors[1, :2] + 1 == scale * stride).all()
    grid = generator.grid_priors([(2, 3)] * 5, dtype=torch.float64, device='cpu')[0]
    assert torch.equal(grid[3:6], grid[:3] + torch.tensor([4.0, 0, 4, 0]))  # the next cell of the row
    assert isinstance(generator, AnchorGenerator)


def published_decoding(box, deltas, weights):
    """Detectron's formula for one box."""
    width, height = box[2] - box[0] + 1, box[3] - box[1] + 1
    x, y = box[0] + 0.5 * width, box[1] + 0.5 * height
    dx, dy, dw, dh = (delta / weight for delta, weight in zip(deltas, weights, strict=True))
    dw, dh = (min(each, math.log(1000 / 16)) for each in (dw, dh))
    x, y, width, height = x + dx * width, y + dy * height, width * math.exp(dw), height * math.exp(dh)
    return [x - 0.5 * width, y - 0.5 * height, x + 0.5 * width - 1, y + 0.5 * height - 1]


def test_decoding_is_the_published_formula():
    coder = TASK_UTILS.build(dict(type='DetectronBBoxCoder', target_stds=[0.1, 0.1, 0.2, 0.2]))
    generator = torch.Generator().manual_seed(0)
    corners = torch.rand(200, 2, generator=generator, dtype=torch.float64) * 100
    boxes = torch.cat((corners, corners + torch.rand(200, 2, generator=generator).double() * 50), 1)
    deltas = torch.randn(200, 4, generator=generator, dtype=torch.float64) * 8  # some beyond the limit
    decoded = coder.decode(boxes, deltas)
    for box, delta, found in zip(boxes.tolist(), deltas.tolist(), decoded.tolist(), strict=True):
        assert found == pytest.approx(published_decoding(box, delta, (10, 10, 5, 5)), rel=1e-12)
    assert (deltas[:, 2:] * 0.2 > math.log(1000 / 16)).any()
    assert (deltas[:, 2:] * 0.2 < -math.log(1000 / 16)).any()


def test_clipping_keeps_the_last_pixel():
    coder = TASK_UTILS.build(dict(type='DetectronBBoxCoder'))
    box = torch.tensor([[-5.0, -5.0, 500.0, 500.0], [90.0, 90.0, 95.0, 95.0]])
    clipped = coder.decode(box, torch.zeros(2, 4), max_shape=(80, 120))
    assert clipped.tolist() == [[0, 0, 119, 79], [90, 79, 95, 79]]


def test_encoding_is_undone_by_decoding():
    coder = TASK_UTILS.build(
        dict(type='DetectronBBoxCoder', target_stds=[0.1, 0.1, 0.2, 0.2], use_box_type=True)
    )
    boxes = torch.tensor([[10.0, 20.0, 30.0, 25.0], [0.0, 0.0, 99.0, 49.0]])
    truth = torch.tensor([[12.0, 18.0, 31.0, 29.0], [5.0, 5.0, 60.0, 70.0]])
    decoded = coder.decode(boxes, coder.encode(HorizontalBoxes(boxes), HorizontalBoxes(truth)))
    assert isinstance(decoded, HorizontalBoxes)
    torch.testing.assert_close(decoded.tensor, truth)


@pytest.mark.parametrize('name', ['DetectronAnchorGenerator', 'DetectronBBoxCoder'])
def test_misspelt_argument(name):
    with pytest.raises(UserError, match=f'{name} has no argument'):
        TASK_UTILS.build(dict(type=name, stride=[4]))
