"""A narrowed P3', against a 1x1 conv of P3' itself."""

import pytest
import torch
import torch.nn.functional as F
from mmdet.registry import MODELS

from mmdet_efpn.models.ftt import BaseFTT
from mmdet_efpn.utils.errors import UserError

FTTS = [
    dict(type='FTT', hidden_channels=6),
    dict(type='PointwiseFTT'),
    dict(type='LightFTT'),
    dict(type='LightFTT', hidden_channels=5, texture_blocks=3, content_blocks=2, mlp_ratio=3),
    dict(type='SwinFTT', embed_dims=12, depths=(2, 2), num_heads=2, window_size=4),
    dict(type='HATFTT', embed_dims=30, depths=(1, 1), num_heads=2, window_size=4),
]


@pytest.mark.parametrize('size', [(12, 16), (11, 16), (12, 15), (7, 5)], ids=str)
@pytest.mark.parametrize('cfg', FTTS, ids=str)
def test_it_is_the_1x1_conv_of_p3_prime(cfg, size):
    torch.manual_seed(0)
    ftt = MODELS.build(dict(cfg, channels=8)).double().eval()
    for parameter in ftt.parameters():  # biases too, which start at zero
        torch.nn.init.normal_(parameter, std=0.3)
    half = tuple((side + 1) // 2 for side in size)
    p2, p3 = (torch.randn(2, 8, *sides, dtype=torch.float64) for sides in (size, half))
    weight = torch.randn(3, 8, 1, 1, dtype=torch.float64, requires_grad=True)
    ours, theirs = ftt.narrowed(p2, p3, weight), F.conv2d(ftt(p2, p3), weight)
    scale = theirs.abs().max()
    torch.testing.assert_close(ours / scale, theirs / scale, rtol=0, atol=1e-12)
    wanted = [weight, *ftt.parameters()]
    torch.manual_seed(1)
    mix = torch.randn_like(theirs)
    gradients = [torch.autograd.grad((out * mix).sum(), wanted) for out in (ours, theirs)]
    for got, expected in zip(*gradients, strict=True):
        scale = expected.abs().max().clamp_min(1e-12)
        torch.testing.assert_close(got / scale, expected / scale, rtol=0, atol=1e-10)


def test_maps_are_checked():
    ftt = MODELS.build(dict(type='LightFTT', channels=8))
    with pytest.raises(UserError, match=r'needs p3 of half the size of p2'):
        ftt.narrowed(torch.rand(1, 8, 8, 8), torch.rand(1, 8, 8, 8), torch.rand(2, 8, 1, 1))


def test_a_result_of_another_size_is_named():
    class Wrong(BaseFTT):
        def transfer(self, p2, p3):
            return p2

        def transfer_narrowed(self, p2, p3, weight):
            return p3

    with pytest.raises(UserError, match=r'Wrong\.transfer_narrowed gave \(1, 8, 4, 4\)'):
        Wrong(8).narrowed(torch.rand(1, 8, 8, 8), torch.rand(1, 8, 4, 4), torch.rand(2, 8, 1, 1))


@pytest.mark.parametrize('cfg', FTTS[2:4], ids=str)
def test_no_wide_map_is_made_in_float32_under_autocast(cfg):
    ftt = MODELS.build(dict(cfg, channels=8)).eval()
    weight, types = torch.rand(3, 8, 1, 1), []
    for module in ftt.modules():
        module.register_forward_hook(lambda module, inputs, output: types.append(output.dtype))
    with torch.autocast('cpu', dtype=torch.bfloat16), torch.no_grad():
        p2, p3 = (torch.rand(1, 8, side, side).bfloat16() for side in (8, 4))
        assert ftt.narrowed(p2, p3, weight).dtype == torch.bfloat16
    assert set(types) == {torch.bfloat16}
