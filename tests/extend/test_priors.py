"""Anchors with an entry a level, against halves worked out by hand."""

import pytest
import torch
from mmdet.registry import TASK_UTILS
from mmengine.registry import init_default_scope

from mmdet_efpn.extend import CannotExtendError
from mmdet_efpn.extend.parts.priors import extend_prior_generator, finer_entries, halved, smallest_anchor
from mmdet_efpn.extend.parts.pyramid import Levels

LEVELS = Levels((8, 16, 32), (2, 4, 8, 16, 32))
ANCHORS = dict(type='AnchorGenerator', ratios=[1.0], scales=[4], strides=[8, 16, 32])


@pytest.fixture(autouse=True)
def mmdet_scope():
    init_default_scope('mmdet')


def extend(**settings):
    extended = extend_prior_generator(dict(ANCHORS, **settings), LEVELS, 'key')
    return extended, TASK_UTILS.build(extended)


def test_halves_are_exact():
    assert halved(56) == 28
    assert halved(57) == 28.5
    assert halved((7, 8)) == (3.5, 4)
    assert finer_entries([5, 10], 2) == [1.25, 2.5, 5, 10]


def test_base_sizes_and_centres_are_halved():
    extended, built = extend(base_sizes=[10, 20, 40])
    assert extended['base_sizes'] == [2.5, 5, 10, 20, 40]
    assert built.base_anchors[0].tolist() == [[-5, -5, 5, 5]]
    extended, built = extend(centers=[(4, 4), (8, 8), (16, 16)])
    assert extended['centers'] == [(1, 1), (2, 2), (4, 4), (8, 8), (16, 16)]
    assert built.base_anchors[0].tolist() == [[-3, -3, 5, 5]]


@pytest.mark.parametrize('offset', [0.5, 1])
def test_a_centre_offset_goes_with_the_stride(offset):
    extended, built = extend(center_offset=offset)
    assert extended['center_offset'] == offset
    middle = built.base_anchors[0].reshape(2, 2).mean(0).tolist()
    assert middle == [2 * offset, 2 * offset]


def test_pairs_stay_pairs():
    extended, built = extend(strides=[(8, 8), (16, 16), (32, 32)])
    assert extended['strides'] == [(2, 2), (4, 4), (8, 8), (16, 16), (32, 32)]
    assert built.strides == extended['strides']


def test_strides_that_are_a_pictures_share_stay_one():
    extended, _ = extend(strides=[550 / 69, 550 / 35, 550 / 18])  # YOLACT's
    assert extended['strides'][:2] == [550 / 69 / 4, 550 / 69 / 2]


def test_yolo_sizes_are_pairs_in_lists():
    sizes = [[(10, 13), (16, 30)], [(30, 61), (62, 45)], [(116, 90), (156, 198)]]
    generator = dict(type='YOLOAnchorGenerator', base_sizes=sizes, strides=[8, 16, 32])
    extended = extend_prior_generator(generator, LEVELS, 'key')
    assert extended['base_sizes'][1] == [(5, 6.5), (8, 15)]
    assert TASK_UTILS.build(extended).num_levels == 5


def test_ssd_sizes_are_written_out_and_halved():
    generator = dict(
        type='SSDAnchorGenerator',
        scale_major=False,
        input_size=300,
        basesize_ratio_range=(0.15, 0.9),
        strides=[8, 16, 32],
        ratios=[[2], [2, 3], [2, 3]],
    )
    plain = TASK_UTILS.build(dict(generator))
    extended = extend_prior_generator(generator, LEVELS, 'key')
    built = TASK_UTILS.build(dict(extended))
    for level in range(3):
        assert torch.allclose(built.base_anchors[level + 2], plain.base_anchors[level])
    assert extended['min_sizes'][:3] == [21 / 4, 21 / 2, 21]  # 7 % of 300 px
    assert extended['max_sizes'][:3] == [45 / 4, 45 / 2, 45]  # 15 %
    assert len(built.base_anchors) == 5


def test_legacy_anchors_keep_their_offset():
    generator = dict(ANCHORS, type='LegacyAnchorGenerator', center_offset=0.5)
    built = TASK_UTILS.build(extend_prior_generator(generator, LEVELS, 'key'))
    assert built.base_anchors[0].tolist() == [[-3, -3, 4, 4]]  # 8 px with both ends counted


@pytest.mark.parametrize(
    ('settings', 'said'),
    [
        (dict(strides=[4, 8, 16]), r'key\.strides is \[4, 8, 16\]'),
        (dict(strides=[(8, 4), (16, 8), (32, 16)]), r'key\.strides'),
        (dict(base_sizes=[8, 16]), r'key\.base_sizes has 2 entries, but there are 3 levels'),
    ],
)
def test_what_does_not_fit_the_levels_is_refused(settings, said):
    with pytest.raises(CannotExtendError, match=said):
        extend_prior_generator(dict(ANCHORS, **settings), LEVELS, 'key')


def test_the_smallest_anchor():
    assert smallest_anchor(ANCHORS) == 32
    assert smallest_anchor(dict(ANCHORS, strides=[(8, 8), (16, 16)])) == 32
    assert smallest_anchor(dict(ANCHORS, base_sizes=[5, 10, 20])) == 20
    assert smallest_anchor(dict(type='MlvlPointGenerator', strides=[8, 16])) is None
