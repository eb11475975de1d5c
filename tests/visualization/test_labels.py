"""Labels leave objects in sight: they cover no box and no other label."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mmdet_efpn.visualization import draw_boxes, legend, palette_of, titled
from mmdet_efpn.visualization.drawing import _place_label

BOX = st.tuples(st.integers(0, 180), st.integers(0, 130), st.integers(1, 60), st.integers(1, 60)).map(
    lambda b: (b[0], b[1], min(b[0] + b[2], 200), min(b[1] + b[3], 150))
)


@given(boxes=st.lists(BOX, min_size=1, max_size=12), text=st.text('abcdefg', min_size=1, max_size=12))
@settings(max_examples=60, deadline=None, database=None)
def test_a_label_covers_nothing_that_is_taken(boxes, text):
    taken = np.array(boxes, dtype=float)
    for box in np.array(boxes):
        place = _place_label(text, box, taken, (150, 200, 3), 9)
        if place is None:
            continue
        x1, y1, x2, y2 = place
        assert 0 <= x1 < x2 <= 200
        assert 0 <= y1 < y2 <= 150
        for left, top, right, bottom in taken:
            assert x1 >= right or x2 <= left or y1 >= bottom or y2 <= top
        taken = np.vstack([taken, place])


def test_a_ten_pixel_object_beside_a_labelled_one_stays_whole():
    image = np.random.default_rng(0).integers(0, 60, (60, 120, 3), dtype=np.uint8)
    boxes = [[40, 30, 50, 40], [38, 17, 48, 27]]  # the second lies where the first one's label would go
    picture = draw_boxes(image, boxes, [0, 0], ['long name'], [0.9, 0.8])
    for x1, y1, x2, y2 in boxes:
        assert (picture[y1:y2, x1:x2] == image[y1:y2, x1:x2]).all()


def test_a_class_has_one_colour_in_every_picture():
    meta = dict(classes=('a', 'b', 'c'))
    colours = palette_of(meta)
    assert colours == palette_of(dict(meta, palette='random'))  # as mmdet may set it
    assert len(set(colours)) == 3
    assert palette_of(dict(meta, palette=[(1, 2, 3)] * 3)) == [(1, 2, 3)] * 3
    image = np.zeros((40, 80, 3), np.uint8)
    alone = draw_boxes(image, [[10, 20, 20, 30]], [2], 'abc', colours=colours, text_height=0)
    among = draw_boxes(
        image, [[50, 20, 60, 30], [10, 20, 20, 30]], [0, 2], 'abc', colours=colours, text_height=0
    )
    assert tuple(alone[19, 15]) == tuple(among[19, 15]) == colours[2]


def test_legend_names_every_class_within_the_width():
    names, colours = [f'class {n}' for n in range(9)], [(10 * n, 200, 30) for n in range(9)]
    strip = legend(names, colours, 160)
    assert strip.shape[1] == 160
    assert strip.shape[0] > 40  # more lines than two
    for colour in colours:
        assert (strip == colour).all(axis=2).sum() >= 100
    assert titled(np.zeros((5, 100, 3), np.uint8), 'x').shape[1:] == (100, 3)
