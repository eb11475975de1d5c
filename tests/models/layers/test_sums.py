"""Sums with upsampled and shuffled maps, against torch's own interpolation and shuffle."""

import pytest
import torch
import torch.nn.functional as F

from mmdet_efpn.models.layers.sums import add_shuffled, add_upsampled, repeated_for_shuffle

SIZES = [(6, 8), (5, 8), (6, 7), (5, 7), (1, 1), (2, 1)]


def maps(size, channels=3, times=1, layout=torch.contiguous_format):
    torch.manual_seed(0)
    half = tuple((side + 1) // 2 for side in size)
    fine = torch.randn(2, channels, *size, dtype=torch.float64)
    coarse = torch.randn(2, channels * times, *half, dtype=torch.float64)
    return [value.to(memory_format=layout).requires_grad_() for value in (fine, coarse)]


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last], ids=str)
@pytest.mark.parametrize('size', SIZES, ids=str)
def test_values_and_gradients_are_those_of_the_upsampled_map(size, layout):
    fine, coarse = maps(size, layout=layout)
    ours, theirs = add_upsampled(fine, coarse), fine + F.interpolate(coarse, size=size, mode='nearest')
    assert torch.equal(ours, theirs)
    weights = torch.randn_like(theirs)
    for got, expected in zip(
        *(torch.autograd.grad((out * weights).sum(), (fine, coarse)) for out in (ours, theirs)),
        strict=True,
    ):
        torch.testing.assert_close(got, expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last], ids=str)
@pytest.mark.parametrize('size', SIZES, ids=str)
def test_values_are_those_of_the_shuffled_map(size, layout):
    fine, coarse = maps(size, times=4, layout=layout)
    assert torch.equal(
        add_shuffled(fine, coarse), fine + F.pixel_shuffle(coarse, 2)[..., : size[0], : size[1]]
    )


@pytest.mark.parametrize('size', SIZES, ids=str)
def test_a_repeated_map_shuffles_to_the_upsampled_one(size):
    fine, coarse = maps(size)
    assert torch.equal(
        add_shuffled(fine, repeated_for_shuffle(coarse).flatten(1, 2)), add_upsampled(fine, coarse)
    )


def test_channels_last_maps_stay_so():
    fine, coarse = maps((6, 8), layout=torch.channels_last)
    assert add_upsampled(fine, coarse).is_contiguous(memory_format=torch.channels_last)
    fine, coarse = maps((6, 8), times=4, layout=torch.channels_last)
    assert add_shuffled(fine, coarse).is_contiguous(memory_format=torch.channels_last)


def test_gradients_are_exact():
    fine, coarse = maps((4, 6), channels=2)
    assert torch.autograd.gradcheck(add_upsampled, (fine, coarse))
    assert torch.autograd.gradgradcheck(add_upsampled, (fine, coarse))
    fine, coarse = maps((4, 6), channels=2, times=4)
    assert torch.autograd.gradcheck(add_shuffled, (fine, coarse))
