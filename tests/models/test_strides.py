"""The check of a head's strides against the maps it gets."""
import pytest
import torch

from mmdet_efpn.models.strides import check_true_strides


def levels(size, strides):
    return [torch.zeros(1, 4, *(-(-side // stride) for side in size)) for stride in strides]


@pytest.mark.parametrize('size', [(64, 96), (75, 101), (800, 1333), (2, 3)])
def test_true_strides_pass(size):
    strides = [2, 4, 8, 16, 32]
    check_true_strides(levels(size, strides), strides, size, 'key')


def test_strides_one_octave_off_are_refused():
    maps = levels((64, 96), [2, 4, 8, 16, 32])
    with pytest.raises(ValueError, match=r'key is \[4, 8, 16, 32, 64\].*stride 4 does not fit '
                                         r'the map of \(32, 48\)'):
        check_true_strides(maps, [4, 8, 16, 32, 64], (64, 96), 'key')
    with pytest.raises(ValueError, match='stride 8 does not fit'):
        check_true_strides(maps, [2, 8, 4, 16, 32], (64, 96), 'key')


def test_numbers_of_levels_must_agree():
    with pytest.raises(ValueError, match=r'key names 2 levels \(\[2, 4\]\), but the head gets 3'):
        check_true_strides(levels((64, 96), [2, 4, 8]), [2, 4], (64, 96), 'key')
