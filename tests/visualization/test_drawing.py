import numpy as np
import pytest

from mmdet_efpn.visualization import draw_boxes, grid, magnified_crops

GREEN = (40, 220, 60)


def test_box_is_drawn_one_pixel_outside_the_object():
    image = np.zeros((40, 60, 3), np.uint8)
    picture = draw_boxes(image, [[10, 12, 20, 30]], [0], ['a'], text_height=0)
    assert not image.any()
    rows, columns = np.nonzero(picture.any(axis=2))
    assert (columns.min(), rows.min(), columns.max(), rows.max()) == (9, 11, 20, 30)
    assert not picture[12:30, 10:20].any()
    assert tuple(picture[11, 15]) == GREEN


def test_scale_colours_names_and_scores():
    image = np.zeros((40, 60, 3), np.uint8)
    plain = draw_boxes(image, [[5, 20, 9, 24]], [1], 'ab', colours=[(1, 1, 1), (9, 8, 7)], scale=3)
    assert plain.shape == (120, 180, 3)
    assert tuple(plain[59, 20]) == (9, 8, 7)
    scored = draw_boxes(image, [[5, 20, 9, 24]], [1], 'ab', [0.5], scale=3)
    unscored = draw_boxes(image, [[5, 20, 9, 24]], [1], 'ab', scale=3)
    assert scored.any(axis=2).sum() > unscored.any(axis=2).sum()


@pytest.mark.parametrize('box', [[-5, -5, 3, 3], [55, 35, 70, 50], [0, 0, 60, 40]])
def test_boxes_at_the_edge(box):
    picture = draw_boxes(np.zeros((40, 60, 3), np.uint8), [box], [0], ['long class name'])
    assert picture.shape == (40, 60, 3)
    assert picture.any()


def test_no_boxes():
    image = np.full((10, 10, 3), 7, np.uint8)
    np.testing.assert_array_equal(draw_boxes(image, np.zeros((0, 4)), [], []), image)
    assert (magnified_crops(image, np.zeros((0, 4)), [], [], 3, 50) == 250).all()


def test_magnified_crop_shows_the_smallest_object_first():
    image = np.zeros((100, 100, 3), np.uint8)
    image[50:58, 20:28] = (255, 0, 0)
    image[10:40, 60:90] = (0, 0, 255)
    strip = magnified_crops(image, [[60, 10, 90, 40], [20, 50, 28, 58]], [0, 1], ['x', 'y'], 3, 96)
    assert strip.shape == (112, 288, 3)
    # The object fills the middle half of its crop.
    assert tuple(strip[48, 48]) == (255, 0, 0)
    assert tuple(strip[30, 30]) == (255, 0, 0)
    assert tuple(strip[15, 15]) == (0, 0, 0)
    assert tuple(strip[48, 96 + 48]) == (0, 0, 255)


def test_grid_places():
    images = [np.full((10, 20, 3), shade, np.uint8) for shade in (10, 20, 30)]
    sheet = grid(images, columns=2, gap=2)
    assert sheet.shape == (2 * 12 + 2, 2 * 22 + 2, 3)
    assert sheet[2, 2, 0] == 10
    assert sheet[2, 24, 0] == 20
    assert sheet[14, 2, 0] == 30
    assert sheet[14, 24, 0] == 250
    with pytest.raises(ValueError, match='at least 1'):
        grid([], 2)
