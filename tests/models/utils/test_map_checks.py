"""The check of a head's settings against the maps it gets."""

import pytest
import torch

from mmdet_efpn.models.utils.map_checks import check_maps

STRIDES = [2, 4, 8, 16, 32]


def levels(size, strides=STRIDES):
    return [torch.zeros(1, 4, *(-(-side // stride) for side in size)) for stride in strides]


def check(features, strides=STRIDES, size=(64, 96), channels=4):
    check_maps(features, channels, 'width_key', strides, 'key', size)


@pytest.mark.parametrize('size', [(64, 96), (75, 101), (800, 1333), (2, 3)])
def test_true_strides_pass(size):
    check(levels(size), size=size)


def test_strides_one_octave_off_are_refused():
    maps = levels((64, 96))
    with pytest.raises(
        ValueError,
        match=r'key is \[4, 8, 16, 32, 64\].*stride 4 does not fit '
        r'the map of \(32, 48\)',
    ):
        check(maps, [4, 8, 16, 32, 64])
    with pytest.raises(ValueError, match='stride 8 does not fit'):
        check(maps, [2, 8, 4, 16, 32])
    check(maps, [4, 8, 16, 32, 64], size=None)  # nothing to compare with


@pytest.mark.parametrize(('cells', 'fits'), [(2, False), (3, True), (4, True), (5, True), (6, False)])
def test_one_cell_more_or_less_passes_two_do_not(cells, fits):
    """A side of 64 pixels has 4 cells of stride 16: strides of 8 and 32 are found on such small maps."""
    maps = [torch.zeros(1, 4, cells, 4)]
    if fits:
        check(maps, [16], size=(64, 64))
    else:
        with pytest.raises(ValueError, match='stride 16 does not fit'):
            check(maps, [16], size=(64, 64))


def test_numbers_of_levels_must_agree():
    with pytest.raises(ValueError, match=r'key names 2 levels \(\[2, 4\]\), but the head gets 3'):
        check(levels((64, 96), [2, 4, 8]), [2, 4])


def test_widths_must_agree():
    with pytest.raises(ValueError, match=r'width_key is 8, but the neck gives maps of \[4, 4\]'):
        check(levels((64, 96), [2, 4]), [2, 4], channels=8)
