"""The best IoU by smallest anchor, beside MMDetection's anchors and IoUs."""

import pytest
import torch
from mmdet.models.task_modules import AnchorGenerator, SSDAnchorGenerator
from mmdet.structures.bbox import bbox_overlaps

from mmdet_efpn.datasets import Boxes
from mmdet_efpn.inspection.anchor_fit import mean_best_ious, smallest_side

STRIDES = [4, 8, 16, 32, 64]


def generator(**sizes):
    return AnchorGenerator(strides=STRIDES, ratios=[0.5, 1.0, 2.0], **sizes)


@pytest.mark.parametrize('factor', [1.0, 2.0])
def test_means_beside_all_anchors(made_boxes, factor):
    samples = [made_boxes(seed, most=40) for seed in (0, 1)]
    fits = mean_best_ious(generator(scales=[8]), samples, factor, (8, 32))
    for side, fit in fits.items():
        best = []
        for sample in samples:
            grid = [
                (-(-int(sample.height * factor) // s), -(-int(sample.width * factor) // s))
                for s in STRIDES
            ]
            anchors = torch.cat(generator(scales=[side / 4]).grid_priors(grid, device='cpu'))
            best.append(bbox_overlaps(sample.boxes * factor, anchors).amax(1))
        assert fit == pytest.approx(torch.cat(best).mean().item(), abs=1e-5)
    assert fits[8] != fits[32]


def test_boxes_like_anchors_fit_best():
    boxes = torch.tensor([[4.0, 4, 28, 28], [36, 36, 60, 60]])  # squares of 24 px round multiples of 8
    fits = mean_best_ious(generator(scales=[8]), [Boxes(boxes, 96, 96)])
    assert max(fits.values()) <= 1.000001
    assert fits[32] < 0.6
    assert fits[24] == pytest.approx(1)
    assert fits[12] == pytest.approx(1)  # P3's are twice as large
    assert mean_best_ious(generator(scales=[8]), []) == {}


def test_smallest_side():
    assert smallest_side(generator(scales=[8])) == 32
    assert smallest_side(generator(octave_base_scale=4, scales_per_octave=3)) == 16
    assert smallest_side(generator(scales=[8], base_sizes=[3, 8, 16, 32, 64])) is None
    ssd = SSDAnchorGenerator(
        strides=[8, 16, 32], ratios=[[2]] * 3, basesize_ratio_range=(0.2, 0.9), input_size=300
    )
    assert smallest_side(ssd) is None
