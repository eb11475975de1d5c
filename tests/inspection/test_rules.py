"""The rules on made figures: what each says on either side of its threshold."""

import numpy as np
import pytest

from mmdet_efpn.inspection import Facts, recommend
from mmdet_efpn.inspection.rules import anchor_of, detections_of, extension_of, proposals_of, tiling_of


def facts(small=0.0, count=10, **others):
    """100 boxes, a share of them 10 px and the others 50 px, in pictures that are not resized."""
    sides = np.where(np.arange(100) < round(100 * small), 10.0, 50.0)
    given = dict(
        sizes=np.stack([sides, sides], 1),
        counts=np.full(20, count),
        factor=1.0,
        original=(640, 512),
        scale=(640, 512),
    )
    return Facts(**(given | others))


def said(advice, about):
    return next(one for one in advice if one.about == about)


@pytest.mark.parametrize(
    ('share', 'verdict'),
    [
        (0.0, 'do not extend'),
        (0.04, 'do not extend'),
        (0.05, 'perhaps'),
        (0.19, 'perhaps'),
        (0.2, 'extend'),
        (1.0, 'extend'),
    ],
)
def test_the_level_is_for_many_small_boxes(share, verdict):
    advice = said(recommend(facts(share)), "P2'")
    assert advice.verdict == verdict
    assert f'{share:.0%} of the boxes are under 16 px' in advice.reason
    assert bool(advice.command) == (verdict == 'extend')


def test_small_is_counted_in_cells_of_the_finest_plain_level():
    one_stage = facts(0.0, stride=8, two_stage=False, sizes=np.full((9, 2), 31.0))
    advice = extension_of(one_stage)
    assert advice.verdict == 'extend'
    assert 'under 32 px (4 cells at stride 8)' in advice.reason
    assert '--levels p3_prime' in advice.reason
    assert extension_of(facts(sizes=np.full((9, 2), 31.0))).verdict == 'do not extend'


def test_a_level_that_no_box_learns_from_is_left_out():
    made = facts(1.0, two_stage=False, at_stride_two=0.04)
    assert extension_of(made).command.endswith(' --levels p3_prime')
    assert 'only 4% of the boxes learn at stride 2' in extension_of(made).reason
    assert '--levels' not in extension_of(facts(1.0, at_stride_two=0.5)).command


def test_sides_are_roots_of_areas():
    made = facts(sizes=np.array([[4.0, 9.0], [32.0, 8.0], [8.0, 8.0]]))
    assert made.sides.tolist() == [6, 16, 8]
    assert made.small() == pytest.approx(2 / 3)  # 16 px are four cells, not fewer
    assert made.small(2.5) == pytest.approx(1 / 3)


def test_extended_configs_and_those_that_cannot_be():
    assert extension_of(facts(1.0, extended=True)).verdict == "keep P2'"
    assert extension_of(facts(0.0, extended=True)).verdict == "P2' is not needed"
    assert not extension_of(facts(1.0, extended=True)).command
    advice = extension_of(facts(1.0, cannot='model.neck is missing'))
    assert advice.verdict == 'not possible'
    assert advice.reason.startswith('model.neck is missing; 100% of the boxes')


def test_shrunk_pictures_of_small_objects_get_their_own_size():
    shrunk = facts(0.5, factor=0.5, original=(1280, 960), scale=(640, 480), scale_keys=('a.scale',))
    advice = said(recommend(shrunk), 'scale')
    assert advice.value == (1280, 960)
    assert advice.options == ('a.scale=(1280,960)',)
    assert 'shrunk to 50%' in advice.reason
    assert 'in the files it is 0%' in advice.reason
    assert '4.0 times as many pixels' in advice.reason
    # 10 px become 20: at the larger scale nothing is small
    level = said(recommend(shrunk), "P2'")
    assert level.verdict == 'at this scale: extend; at the recommended one: do not extend'


@pytest.mark.parametrize('made', [facts(0.5), facts(0.1, factor=0.5), facts(0.5, factor=1.5)])
def test_the_scale_stays_where_nothing_is_won(made):
    advice = said(recommend(made), 'scale')
    assert advice.verdict == 'keep 640x512'
    assert advice.value == made.scale
    assert not advice.options


def test_large_pictures_are_cut():
    large = facts(0.5, factor=0.25, original=(4000, 3000), scale=(1000, 750))
    advice = recommend(large)
    assert said(advice, 'tiling').verdict == 'yes, 800 px'
    # the largest boxes are 50 px at a quarter: 200 px, which are a quarter of a tile
    assert said(advice, 'tiling').command.endswith('--tile 800 --overlap 0.25')
    assert said(advice, 'scale').value == (800, 800)


@pytest.mark.parametrize(
    'made',
    [
        facts(0.5, original=(4000, 3000)),  # not shrunk
        facts(0.5, factor=0.5, original=(2000, 1500)),  # can be trained on whole
        facts(0.1, factor=0.25, original=(4000, 3000)),  # nothing is small
    ],
)
def test_other_pictures_are_not_cut(made):
    assert tiling_of(made).verdict == 'no'
    assert not tiling_of(made).command


def test_overlap_is_half_a_tile_at_most():
    huge = facts(
        0.5, factor=0.1, original=(9000, 9000), sizes=np.array([[5.0, 5]] * 5 + [[70.0, 70]] * 5)
    )
    assert tiling_of(huge).command.endswith('--overlap 0.5')


def test_the_largest_anchor_that_fits_about_as_well():
    fits = {8: 0.60, 16: 0.70, 24: 0.694, 32: 0.68}
    advice = anchor_of(('model.rpn_head.anchor_generator.scales', 32.0, 4.0), fits)
    assert advice.value == '24'
    assert advice.options == ('model.rpn_head.anchor_generator.scales=[6]',)
    advice = anchor_of(('model.bbox_head.anchor_generator.octave_base_scale', 32.0, 8.0), {12: 0.7})
    assert advice.options == ('model.bbox_head.anchor_generator.octave_base_scale=1.5',)
    assert not anchor_of(('scales', 24.0, 4.0), fits).options  # has it already
    assert (
        'at this one it would be 8 px'
        in anchor_of(('scales', 24.0, 4.0), fits, {8: 0.5, 16: 0.2}).reason
    )


def test_anchors_are_measured_at_the_recommended_scale():
    asked = []

    def fit(factor):
        asked.append(factor)
        return {16: 0.5}

    anchor = ('scales', 16.0, 4.0)
    recommend(facts(0.5, factor=0.5, original=(1280, 1024), anchor=anchor), fit)
    assert asked == [2.0, 1.0]
    asked.clear()
    recommend(facts(0.5, anchor=anchor), fit)
    assert asked == [1.0]


@pytest.mark.parametrize(
    ('counts', 'kept', 'value'),
    [
        ([10] * 20, 100, 100),
        ([67] * 20, 100, 300),  # 1.5 times 67 are more than 100
        ([66] * 20, 100, 100),
        ([10] * 500 + [120], 100, 300),  # one crowded picture
        ([10] * 20, 500, 500),  # more than needed does no harm
        ([1400] * 20, 100, 2100),
    ],
)
def test_detections_have_room_for_the_objects(counts, kept, value):
    advice = detections_of(facts(counts=np.array(counts), kept=('key', kept)))
    assert advice.value == value
    assert advice.options == (() if kept >= value else (f'key={value}',))


def test_a_model_without_a_limit_still_gets_a_number():
    advice = detections_of(facts(kept=None))
    assert advice.value == 100
    assert 'does not limit them' in advice.reason
    assert not advice.options


def test_proposals_for_the_fullest_picture():
    assert proposals_of(np.array([1, 100]), 300, 300).verdict == 'enough'
    advice = proposals_of(np.array([1, 101]), 1000, 300)
    assert advice.verdict == 'more'
    assert advice.options == ('model.test_cfg.rpn.max_per_img=400',)
