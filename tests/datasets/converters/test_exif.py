"""Pictures that EXIF turns: the JSON has the turned size; boxes go along, or the picture is left out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmcv import imread
from PIL import Image, ImageOps

from mmdet_efpn.datasets.converters.picture_file import Frame, frame_of


@settings(deadline=None, max_examples=60, derandomize=True, database=None)
@given(st.integers(1, 8), st.data())
def test_boxes_turn_as_pillow_turns_pixels(orientation, data):
    width, height = data.draw(st.integers(2, 12)), data.draw(st.integers(2, 12))
    x1, y1 = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    x2, y2 = data.draw(st.integers(x1 + 1, width)), data.draw(st.integers(y1 + 1, height))
    pixels = np.zeros((height, width), dtype=np.uint8)
    pixels[y1:y2, x1:x2] = 255
    image = Image.fromarray(pixels)
    image.getexif()[0x0112] = orientation
    turned = np.array(ImageOps.exif_transpose(image))
    rows, columns = np.nonzero(turned)
    frame = Frame(width, height, orientation)
    assert frame.shown == turned.shape[::-1]
    expected = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert frame.turn((x1, y1, x2, y2)) == expected


@pytest.mark.parametrize('decode', [True, False])
@pytest.mark.parametrize('orientation', range(1, 9))
@pytest.mark.parametrize('suffix', ['jpg', 'png', 'tif'])
def test_size_is_that_of_mmdetections_loader(tmp_path, make_picture, suffix, orientation, decode):
    path = tmp_path / f'a.{suffix}'
    make_picture(path, (40, 30), orientation)
    assert frame_of(path, decode) == Frame(40, 30, orientation)
    assert frame_of(path, decode).shown == imread(path).shape[1::-1]


def test_webp_that_opencv_does_not_turn_is_left_out(made, make_picture, write_file, converted):
    root = made()
    for name, orientation in (('turned', 6), ('plain', None)):
        make_picture(root / f'images/{name}.webp', (40, 30), orientation)
    assert imread(root / 'images/turned.webp').shape[1::-1] == (40, 30)
    (root / 'data.yaml').write_text('names: [dog]\ntrain: images\n')
    content, counts = converted('yolo', root)
    assert [image['file_name'] for image in content['train']['images']] == ['images/plain.webp']
    assert counts['train']['EXIF orientation not applied on loading'] == 1


@pytest.fixture
def turned_voc(made, make_picture, write_file, voc_text):
    """Function: a picture of 100x80 that is shown as 80x100, with labels of a given size."""

    def make(size, objects=(('dog', 0, 0, 10, 20, 40),), orientation=6):
        root = made()
        make_picture(root / 'a.jpg', orientation=orientation)
        write_file(root / 'a.xml', voc_text('a.jpg', objects, size))
        return root

    return make


def test_labels_of_the_shown_size_stay(turned_voc, converted, boxes_of):
    content, counts = converted('voc', turned_voc((80, 100)))
    assert content['all']['images'][0] == dict(id=1, file_name='a.jpg', width=80, height=100)
    assert boxes_of(content['all'])[0][2] == [0, 10, 20, 30]
    assert counts['all'] == {'boxes': 1}


def test_labels_of_the_stored_size_are_turned_and_counted(turned_voc, converted, boxes_of):
    content, counts = converted('voc', turned_voc((100, 80)))
    assert (content['all']['images'][0]['width'], content['all']['images'][0]['height']) == (80, 100)
    # clockwise: x = 80 - y2, y = x1
    assert boxes_of(content['all'])[0][2] == [40, 0, 30, 20]
    assert counts['all'] == {'boxes': 1, 'turned by EXIF': 1}


@pytest.mark.parametrize(('size', 'orientation'), [((0, 0), 6), ((100, 80), 3), ((50, 40), 6)])
def test_labels_that_do_not_tell_leave_the_picture_out(
    turned_voc, converted, size, orientation, boxes_of
):
    source = turned_voc(size, orientation=orientation)
    with pytest.raises(ValueError, match=r'no usable image.*EXIF orientation unclear: 1.*--exif shown'):
        converted('voc', source)
    content, _ = converted('voc', source, out='shown', exif='shown')
    assert boxes_of(content['all'])[0][2] == [0, 10, 20, 30]
    content, counts = converted('voc', source, out='stored', exif='stored')
    expected = [80, 40, 20, 30] if orientation == 3 else [40, 0, 30, 20]
    assert boxes_of(content['all'])[0][2] == expected
    assert counts['all']['turned by EXIF'] == 1


def test_without_boxes_there_is_nothing_to_tell(turned_voc, converted):
    content, counts = converted('voc', turned_voc((0, 0), objects=()))
    assert content['all']['images'][0]['width'] == 80
    assert counts['all'] == {'images_without_boxes': 1}


def test_yolo_is_about_the_shown_picture(made, make_picture, write_file, converted, boxes_of):
    root = made()
    make_picture(root / 'images/a.jpg', orientation=6)
    write_file(root / 'labels/a.txt', '0 0.5 0.1 0.25 0.2')
    (root / 'data.yaml').write_text('names: [dog]\ntrain: images\n')
    content, _ = converted('yolo', root)
    assert boxes_of(content['train'])[0][2] == [30, 0, 20, 20]


def test_unknown_option(turned_voc, converted):
    with pytest.raises(ValueError, match="exif must be 'shown' or 'stored'"):
        converted('voc', turned_voc((1, 1)), exif='rotate')
