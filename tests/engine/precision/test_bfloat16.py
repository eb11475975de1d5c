"""bfloat16 on the CPU: what must stay float32 does."""

import torch
from mmcv.ops import DeformConv2dPack, ModulatedDeformConv2dPack, RoIAlign
from torch import nn

from mmdet_efpn.engine import keep_boxes_in_float32


def test_deformable_convs_compute_in_float32():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        DeformConv2dPack(4, 4, 3, padding=1),
        ModulatedDeformConv2dPack(4, 4, 3, padding=1),
    )
    images = torch.randn(1, 3, 8, 8)
    exact = model(images)
    keep_boxes_in_float32(model)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        rough = model(images)
    assert rough.dtype == torch.float32
    assert not torch.equal(rough, exact)
    torch.testing.assert_close(rough, exact, rtol=0.05, atol=0.05)
    rough.sum().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_roi_align_keeps_far_corners_exact():
    """A map that holds its columns' numbers, pooled at a place that bfloat16 would round by 2 px."""
    pool = RoIAlign(1, spatial_scale=1.0, sampling_ratio=1)
    keep_boxes_in_float32(pool)
    columns = torch.arange(1024.0).expand(1, 1, 8, 1024).contiguous()
    rois = torch.tensor([[0, 901.0, 2.0, 904.0, 5.0]])
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert pool(columns, rois).item() == 902.0
