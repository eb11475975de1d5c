"""Objects at the seams of tiles: found once, whole, at their place."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmdet_efpn.inference import Found, Tiles, merge_tiles
from mmdet_efpn.utils.errors import UserError

SIZE = (300, 260)  # width and height of the scene
TILES = Tiles(100, 24)


def in_tile(boxes, labels, window):
    """What a faultless detector sees of boxes in a tile: their parts inside, in the tile's pixels."""
    x1, y1, x2, y2 = window
    low = np.maximum(boxes[:, :2], [x1, y1])
    high = np.minimum(boxes[:, 2:], [x2, y2])
    inside = ((high - low) >= 1).all(axis=1)
    parts = np.hstack([low, high])[inside] - [x1, y1, x1, y1]
    # A part scores more than the whole: no rule may trust scores.
    areas = (parts[:, 2:] - parts[:, :2]).prod(axis=1)
    return Found(parts, 1 / (1 + areas / 1e4), labels[inside])


def found_in_tiles(boxes, tiles=TILES, labels=None, size=SIZE, noise=0.0):
    boxes = np.asarray(boxes, dtype=float).reshape(-1, 4)
    labels = np.zeros(len(boxes), dtype=int) if labels is None else np.asarray(labels)
    windows = tiles.windows(*size)
    found = [in_tile(boxes, labels, window) for window in windows]
    if noise:
        rng = np.random.default_rng(0)
        found = [
            one._replace(bboxes=one.bboxes + rng.uniform(-noise, noise, one.bboxes.shape))
            for one in found
        ]
    return merge_tiles(found, windows, size, tiles.merge, tiles.threshold)


@pytest.mark.parametrize('side', [4, 10, 23, 24, 30, 60, 99, 120, 170])
def test_a_square_slides_over_every_seam(side):
    """One object is one box, wherever it lies: under the overlap, over it, larger than a tile."""
    for x in range(0, SIZE[0] - side + 1, 1 if side < 30 else 3):
        box = [x, min(x, SIZE[1] - side), x + side, min(x, SIZE[1] - side) + side]
        found = found_in_tiles(box)
        assert found.bboxes.tolist() == [box], x


@pytest.mark.parametrize('noise', [0.4, 0.9])
def test_boxes_that_are_not_exact_are_found_once_too(noise):
    for side in (10, 20, 60):
        for x in range(0, 240, 7):
            box = np.array([x, 5 + x // 2, x + side, 5 + x // 2 + side])
            found = found_in_tiles(box, noise=noise)
            assert len(found.scores) == 1, (side, x)
            np.testing.assert_allclose(found.bboxes[0], box, atol=noise)


@st.composite
def scenes(draw):
    """Rectangles that do not touch, of three classes, of any size."""
    boxes = []
    for _ in range(draw(st.integers(1, 12))):
        width, height = draw(st.integers(3, 140)), draw(st.integers(3, 140))
        x = draw(st.integers(0, SIZE[0] - width))
        y = draw(st.integers(0, SIZE[1] - height))
        box = (x, y, x + width, y + height)
        if all(
            box[0] >= other[2] + 4
            or box[2] + 4 <= other[0]
            or box[1] >= other[3] + 4
            or box[3] + 4 <= other[1]
            for other in boxes
        ):
            boxes.append(box)
    return boxes, [draw(st.integers(0, 2)) for _ in boxes]


@settings(max_examples=300, deadline=None)
@given(scenes(), st.integers(20, 40))
def test_any_scene_comes_out_as_it_was_painted(scene, overlap):
    boxes, labels = scene
    found = found_in_tiles(boxes, Tiles(100, overlap), labels)
    assert sorted(zip(found.bboxes.tolist(), found.labels.tolist(), strict=True)) == sorted(
        (list(map(float, box)), label) for box, label in zip(boxes, labels, strict=True)
    )


def test_two_classes_at_one_place_stay_two():
    found = found_in_tiles([[90, 90, 110, 110]] * 2, labels=[0, 1])
    assert sorted(found.labels.tolist()) == [0, 1]


def test_the_surest_come_first_and_nothing_gives_nothing():
    found = found_in_tiles([[0, 0, 50, 50], [60, 60, 64, 64]])
    assert found.scores.tolist() == sorted(found.scores, reverse=True)
    assert len(found_in_tiles(np.zeros((0, 4))).scores) == 0
    assert len(merge_tiles([], [], SIZE).scores) == 0


def test_many_objects_take_seconds():
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 20000, (5000, 2))
    boxes = np.hstack([corners, corners + 12])
    tiles = Tiles(1024, 128)
    windows = tiles.windows(20012, 20012)
    found = [in_tile(boxes, np.zeros(len(boxes), dtype=int), window) for window in windows]
    merged = merge_tiles(found, windows, (20012, 20012))
    apart = len(merged.scores)
    assert 4950 < apart <= 5000  # some lie over each other


@pytest.mark.parametrize(
    ('values', 'said'),
    [
        ((0, 0), 'must have 1 pixel'),
        ((100, 100), 'from 0 to under their side 100, got 100'),
        ((100, 10, 'nmm'), 'merge must be one of nms, sahi, got nmm'),
        ((100, 10, 'nms', 0), 'threshold'),
    ],
)
def test_tiles_are_checked(values, said):
    with pytest.raises(UserError, match=said):
        Tiles(*values)


def test_parts_wider_than_twice_the_overlap_stay_apart_in_sahis_merging():
    pytest.importorskip('sahi')
    box = [30, 100, 190, 140]  # cut at 76 to 100: parts of 70 and 90
    tiles = Tiles(100, 24, 'sahi')
    assert len(found_in_tiles(box, tiles).scores) > 1
    assert found_in_tiles(box).bboxes.tolist() == [box]


def test_sahi_that_is_not_there_is_missed_at_once(monkeypatch):
    monkeypatch.setitem(sys.modules, 'sahi.postprocess.combine', None)
    with pytest.raises(UserError, match=r"needs the package sahi: pip install 'mmdet-efpn\[infer\]'"):
        Tiles(100, 24, 'sahi')


def test_sahis_merging_is_sahis():
    combine = pytest.importorskip('sahi.postprocess.combine')
    from sahi.prediction import ObjectPrediction

    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 80, (40, 2))
    boxes = np.hstack([corners, corners + rng.uniform(5, 30, (40, 2))])
    scores, labels = rng.uniform(0.3, 1, 40), rng.integers(0, 2, 40)
    merged = merge_tiles([Found(boxes, scores, labels)], [(0, 0, 120, 120)], (120, 120), 'sahi', 0.5)
    objects = [
        ObjectPrediction(bbox=box, category_id=int(label), score=float(score), category_name=str(label))
        for box, score, label in zip(boxes.tolist(), scores, labels, strict=True)
    ]
    theirs = combine.GreedyNMMPostprocess(match_threshold=0.5, match_metric='IOS', class_agnostic=False)(
        objects
    )
    assert len(merged.scores) == len(theirs) < 40
    ours = sorted(zip(merged.scores.round(5).tolist(), merged.bboxes.round(3).tolist(), strict=True))
    wanted = sorted(
        (round(one.score.value, 5), np.round(one.bbox.to_xyxy(), 3).tolist()) for one in theirs
    )
    for (score, box), (their_score, their_box) in zip(ours, wanted, strict=True):
        assert score == pytest.approx(their_score, abs=1e-4)
        np.testing.assert_allclose(box, their_box, atol=0.01)
