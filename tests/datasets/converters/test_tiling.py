"""Tiles: places as SAHI's, cut boxes ignored rather than forgotten, and the way back."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mmdet_efpn.datasets.converters import CocoWriter, ReadOptions, Tiling
from mmdet_efpn.datasets.converters.picture import Box
from mmdet_efpn.datasets.converters.tiles import cut_boxes

ANY = settings(deadline=None, max_examples=80, derandomize=True, database=None)


@ANY
@given(
    st.integers(1, 300),
    st.integers(1, 300),
    st.integers(8, 120),
    st.sampled_from([0, 0.1, 0.2, 0.25, 0.5, 0.75]),
)
def test_every_pixel_is_in_a_tile(width, height, size, overlap):
    seen = np.zeros((height, width), dtype=int)
    for x1, y1, x2, y2 in Tiling(size, overlap).windows(width, height):
        assert 0 <= x1 < x2 <= width
        assert 0 <= y1 < y2 <= height
        assert (x2 - x1, y2 - y1) == (min(size, width), min(size, height))
        seen[y1:y2, x1:x2] += 1
    assert seen.min() >= 1


@pytest.mark.parametrize(
    ('width', 'height', 'size', 'overlap', 'expected'),
    [
        (1000, 90, 400, 0.5, [(0, 0), (200, 0), (400, 0), (600, 0)]),
        (2048, 1500, 800, 0.2, [(x, y) for y in (0, 640, 700) for x in (0, 640, 1248)]),
    ],
)
def test_places_are_those_of_sahi(width, height, size, overlap, expected):
    """What SAHI 0.12.8's ``get_slice_bboxes`` gave; so it did for 3000 random sizes."""
    windows = Tiling(size, overlap).windows(width, height)
    assert [window[:2] for window in windows] == expected
    assert all(window[2] - window[0] == min(size, width) for window in windows)


def test_places_worked_out_by_hand():
    """2048 wide, 800 a tile, 160 shared: a step of 640; the last tile moves back to 2048 - 800."""
    assert Tiling(800, 0.2).windows(2048, 800) == [
        (0, 0, 800, 800),
        (640, 0, 1440, 800),
        (1248, 0, 2048, 800),
    ]


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(size=0), 'tile must be'),
        (dict(size=9, overlap=1), 'overlap must be'),
        (dict(size=9, min_share=1.1), 'min_share must be'),
    ],
)
def test_wrong_values(options, message):
    with pytest.raises(ValueError, match=message):
        Tiling(**options)


def test_boxes_at_a_cut():
    writer = CocoWriter(['dog'])
    boxes = [
        Box('dog', (10, 10, 20, 20)),
        Box('dog', (45, 0, 55, 10)),  # half of it
        Box('dog', (48, 0, 58, 10)),  # a fifth
        Box('dog', (50, 0, 60, 10)),  # touches
        Box('dog', (0, 0, 90, 10), ignore=True, crowd=True),
        Box('dog', (5, 5, 6, 6), area=0.5),
    ]
    kept = cut_boxes(boxes, (0, 0, 50, 50), 0.3, writer)
    assert kept == [
        Box('dog', (10, 10, 20, 20)),
        Box('dog', (45, 0, 50, 10)),
        Box('dog', (48, 0, 50, 10), ignore=True),
        Box('dog', (0, 0, 50, 10), ignore=True, crowd=True),
        Box('dog', (5, 5, 6, 6), area=0.5),
    ]
    assert writer.counts == {'cut': 1, 'cut_ignored': 1}


@ANY
@given(st.lists(st.tuples(*[st.integers(0, 90)] * 2, *[st.integers(1, 40)] * 2), max_size=6))
def test_no_box_becomes_background(boxes):
    """In each tile, every pixel of a box is covered by a box, marked or not."""
    boxes = [Box('dog', (x, y, x + width, y + height)) for x, y, width, height in boxes]
    covered = np.zeros((130, 130), dtype=bool)
    for x1, y1, x2, y2 in (box.corners for box in boxes):
        covered[y1:y2, x1:x2] = True
    for x1, y1, x2, y2 in Tiling(50, 0.2).windows(130, 130):
        tile = np.zeros((50, 50), dtype=bool)
        for box in cut_boxes(boxes, (x1, y1, x2, y2), 0.3, CocoWriter(['dog'])):
            left, top, right, bottom = box.corners
            tile[top:bottom, left:right] = True
        assert (tile == covered[y1:y2, x1:x2]).all()


@pytest.fixture
def big(made, write_file, voc_text):
    """A picture of random pixels, 130x60, with three boxes; one over the edge."""
    root = made()
    pixels = np.random.default_rng(0).integers(0, 255, (60, 130, 3), dtype=np.uint8)
    (root / 'deep').mkdir()
    Image.fromarray(pixels).save(root / 'deep/a.png')
    Image.fromarray(pixels).save(root / 'deep/a.bmp')
    Image.fromarray(pixels[:20, :20]).save(root / 'deep/small.jpg')
    boxes = [('dog', 0, 5, 5, 15, 15), ('dog', 0, 45, 5, 55, 15), ('dog', 0, 120, 5, 150, 15)]
    write_file(root / 'deep/a.xml', voc_text('a.png', boxes, (130, 60)))
    write_file(root / 'deep/small.xml', voc_text('small.jpg', [], (20, 20)))
    return root


def test_tiles_of_a_data_set(big, tmp_path, converted, boxes_of):
    content, counts = converted('voc', big, tiling=Tiling(60, 0.2))
    assert boxes_of(content['all']) == [
        ('deep/a__0_0.png', 'dog', [5, 5, 10, 10], ''),
        ('deep/a__0_0.png', 'dog', [45, 5, 10, 10], ''),
        ('deep/a__48_0.png', 'dog', [0, 5, 7, 10], ''),
        ('deep/a__70_0.png', 'dog', [50, 5, 10, 10], ''),
    ]
    assert counts['all']['clipped'] == 1  # once, not once a tile
    assert counts['all']['cut'] == 1
    assert counts['all']['images_without_boxes'] == 1
    pixels = np.array(Image.open(big / 'deep/a.png'))
    mapping = json.loads((tmp_path / 'out/tiles.json').read_text())
    assert (mapping['tile'], mapping['overlap'], mapping['min_share']) == (60, 0.2, 0.3)
    for image in content['all']['images']:
        place = mapping['tiles'][image['file_name']]
        tile = Image.open(tmp_path / 'out/images' / image['file_name'])
        assert tile.size == (image['width'], image['height']) == (place['width'], place['height'])
        if place['file_name'] == 'deep/a.png':
            x, y = place['x'], place['y']
            assert (np.array(tile) == pixels[y : y + 60, x : x + 60]).all()
    assert image['file_name'] == 'deep/small__0_0.jpg'


def test_tiles_turn_with_exif(made, make_picture, write_file, voc_text, converted, tmp_path):
    root = made()
    make_picture(root / 'a.jpg', (100, 80), 6)
    write_file(root / 'a.xml', voc_text('a.jpg', [('dog', 0, 0, 90, 10, 100)], (80, 100)))
    content, _ = converted('voc', root, tiling=Tiling(80, 0))
    names = [image['file_name'] for image in content['all']['images']]
    assert names == ['a__0_0.jpg', 'a__0_20.jpg']
    with Image.open(tmp_path / 'out/images/a__0_20.jpg') as tile:
        assert tile.size == (80, 80)
        assert tile.getexif().get(0x0112, 1) == 1
    assert content['all']['annotations'][0]['bbox'] == [0, 70, 10, 10]


def test_same_stem_gives_two_names(big, converted, write_file, coco_content):
    content = coco_content(['dog'], [(1, 'deep/a.png'), (2, 'deep/a.bmp')], [])
    for image in content['images']:
        image.update(width=130, height=60)
    write_file(big / 'all.json', content)
    written, _ = converted('coco', big / 'all.json', tiling=Tiling(200))
    names = [image['file_name'] for image in written['all']['images']]
    assert names == ['deep/a__0_0.png', 'deep/a_bmp__0_0.png']


def test_corner_files_of_tinyperson_are_cut(made, converted, write_file, coco_content, tmp_path):
    source = made('tinyperson')
    images = [(number, 'labeled_images/a.jpg') for number in (1, 2, 3)]
    boxes = [(1, 1, 1, [5, 5, 10, 10], {}), (2, 2, 1, [0, 0, 5, 5], dict(ignore=1))]
    content = coco_content(['person'], images, boxes)
    for image, corner in zip(
        content['images'], [(0, 0, 60, 50), (40, 30, 100, 80), (90, 0, 150, 50)], strict=True
    ):
        image.update(corner=corner, width=60, height=50)
    name = 'annotations/corner/tiny_set_train_sw60_sh50.json'
    write_file(source / name, content)
    read = ReadOptions(annotation_files=[name])
    written, counts = converted('tinyperson', source, read=read)
    assert [image['file_name'] for image in written['train']['images']] == [
        'train/labeled_images/a__0_0.jpg',
        'train/labeled_images/a__40_30.jpg',
    ]
    assert counts['train'] == {'boxes': 2, 'ignored': 1, 'crowd': 1, 'tile outside image': 1}
    assert json.loads((tmp_path / 'out/tiles.json').read_text())['tiles'][
        'train/labeled_images/a__40_30.jpg'
    ] == dict(file_name='train/labeled_images/a.jpg', x=40, y=30, width=60, height=50)
    with pytest.raises(ValueError, match='without --tile'):
        converted('tinyperson', source, out='again', read=read, tiling=Tiling(50))
