"""Convs in a row as one, against the convs one after the other; the block, against timm's."""

import pytest
import torch
import torch.nn.functional as F
from timm.models.convnext import ConvNeXtBlock
from torch import nn

from mmdet_efpn.models.layers.composed_convs import (
    conv_of_two,
    pointwise_after,
    pointwise_kernel,
    pointwise_onto,
)
from mmdet_efpn.models.layers.convnext_block import LightBlock, MapLayerNorm


@pytest.fixture(autouse=True)
def float64():
    torch.manual_seed(0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.mark.parametrize('kernel_size', [1, 3])
@pytest.mark.parametrize('bias', [True, False])
def test_a_pointwise_conv_after_a_conv(kernel_size, bias):
    conv = nn.Conv2d(5, 7, kernel_size, padding=kernel_size // 2, bias=bias)
    x, weight = torch.randn(2, 5, 6, 4), torch.randn(3, 7, 1, 1)
    kernel, composed_bias = pointwise_after(weight, conv)
    assert (composed_bias is None) is not bias
    torch.testing.assert_close(
        F.conv2d(x, kernel, composed_bias, padding=conv.padding), F.conv2d(conv(x), weight)
    )


@pytest.mark.parametrize('settings', [{}, dict(padding=1), dict(padding=2, stride=2, dilation=2)])
def test_a_conv_of_two_maps_is_that_of_their_concatenation(settings):
    conv = nn.Conv2d(5, 4, 3, **settings)
    first, second = torch.randn(2, 3, 9, 8), torch.randn(2, 2, 9, 8)
    torch.testing.assert_close(conv_of_two(conv, first, second), conv(torch.cat((first, second), dim=1)))


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last], ids=str)
def test_a_pointwise_conv_onto_a_map(layout):
    onto, x = (torch.randn(2, c, 5, 7).to(memory_format=layout) for c in (3, 4))
    weight = torch.randn(3, 4)
    result = pointwise_onto(onto, x, weight)
    torch.testing.assert_close(result, onto + F.conv2d(x, weight[..., None, None]))
    assert result.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(
        F.conv2d(x, pointwise_kernel(weight)), F.conv2d(x, weight[..., None, None])
    )


def test_weights_are_composed_in_their_own_precision_under_autocast():
    conv, weight = nn.Conv2d(8, 8, 1).float(), torch.randn(4, 8, 1, 1).float()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        kernel, bias = pointwise_after(weight, conv)
    assert kernel.dtype == bias.dtype == torch.float32
    assert torch.equal(kernel, pointwise_after(weight, conv)[0])


@pytest.mark.parametrize('kernel_size', [3, 7])
def test_the_block_is_timms(kernel_size):
    ours = LightBlock(8, kernel_size, 2)
    theirs = ConvNeXtBlock(8, kernel_size=kernel_size, mlp_ratio=2, conv_mlp=True, ls_init_value=None)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, 8, 6, 5)
    torch.testing.assert_close(ours(x), theirs(x))


def test_the_norm_keeps_a_maps_type_under_autocast():
    norm = MapLayerNorm(16).float()
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    x = 5 + 3 * torch.randn(2, 16, 4, 6).bfloat16()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        result = norm(x)
    assert result.dtype == torch.bfloat16
    rows = x.double().permute(0, 2, 3, 1)
    expected = F.layer_norm(rows, (16,), norm.weight.double(), norm.bias.double(), norm.eps)
    torch.testing.assert_close(result.permute(0, 2, 3, 1).double(), expected, rtol=2e-2, atol=2e-2)
