"""What CocoWriter keeps, clips and drops, for any boxes."""

import math

from hypothesis import example, given, settings
from hypothesis import strategies as st

from mmdet_efpn.datasets.converters import CocoWriter

ANY = settings(deadline=None, max_examples=50, derandomize=True, database=None)
CLASSES = ('car', 'bus')
DROPPED = ('unknown_class', 'zero_size', 'outside_image')
# Eighths of a pixel, whose sums are exact, and what a damaged file may hold.
PLACES = st.integers(-400, 1200).map(lambda eighths: eighths / 8) | st.sampled_from(
    [math.nan, math.inf, -math.inf]
)
BOXES = st.lists(
    st.tuples(st.sampled_from((*CLASSES, 'tram')), st.tuples(PLACES, PLACES, PLACES, PLACES)),
    max_size=12,
)


@ANY
@given(st.integers(1, 100), st.integers(1, 100), st.lists(BOXES, min_size=1, max_size=3))
@example(20, 10, [[('car', (-5, -5, 50, 50))], [('car', (20, 0, 30, 10))], [('bus', (3, 3, 3, 9))], []])
def test_every_box_is_kept_or_counted(width, height, images):
    writer = CocoWriter(CLASSES)
    for number, boxes in enumerate(images, start=1):
        assert writer.add_image(f'{number}.jpg', width, height, boxes) == number
    counts, kept = writer.counts, writer.annotations
    assert counts['boxes'] == len(kept)
    assert counts['boxes'] + sum(counts[cause] for cause in DROPPED) == sum(map(len, images))
    assert counts['unknown_class'] == writer.unknown_classes['tram']
    with_boxes = {annotation['image_id'] for annotation in kept}
    assert counts['images_without_boxes'] == len(images) - len(with_boxes)
    assert [annotation['id'] for annotation in kept] == list(range(1, len(kept) + 1))
    for annotation in kept:
        x, y, w, h = annotation['bbox']
        assert x >= 0
        assert y >= 0
        assert w > 0
        assert h > 0
        assert x + w <= width
        assert y + h <= height
        assert annotation['area'] == w * h


@ANY
@given(st.integers(1, 100), st.integers(1, 100), BOXES)
def test_kept_boxes_are_what_of_them_lies_in_the_image(width, height, boxes):
    """Worked out box by box: the intersection with the image, where it has an area."""
    expected = []
    for name, (x1, y1, x2, y2) in boxes:
        if name in CLASSES and not any(map(math.isnan, (x1, y1, x2, y2))):
            left, top, right, bottom = max(x1, 0), max(y1, 0), min(x2, width), min(y2, height)
            if left < right and top < bottom:
                label = CLASSES.index(name) + 1
                expected.append((label, [left, top, right - left, bottom - top]))
    writer = CocoWriter(CLASSES)
    writer.add_image('1.jpg', width, height, boxes)
    assert [(kept['category_id'], kept['bbox']) for kept in writer.annotations] == expected
