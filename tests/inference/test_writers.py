"""Files of predictions, read back by others: pycocotools, csv, this package's own converters."""

import csv
import json

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO

from mmdet_efpn.datasets.converters import ConvertOptions, convert
from mmdet_efpn.inference import Record
from mmdet_efpn.inference.reading import Item, Unreadable
from mmdet_efpn.inference.writers import FORMATS, Settings, make_writers
from mmdet_efpn.utils.errors import UserError

COLOURS = [(255, 0, 0), (0, 0, 255)]


def record(root, stem='a', frame=None, **changes):
    content = dict(
        name=f'{stem}.png',
        stem=stem,
        path=str(root / (f'{stem}.png' if frame is None else 'clip.mp4')),
        frame=frame,
        width=80,
        height=60,
        labels=[1, 0],
        scores=[0.9, 0.45],
        bboxes=[[10.0, 20.0, 20.0, 30.0], [50.5, 5.25, 60.0, 9.0]],
    )
    return Record(**dict(content, **changes))


@pytest.fixture
def settings(tmp_path):
    return Settings(tmp_path / 'out', ('square', 'bar'), COLOURS, dict(image_root=str(tmp_path)))


@pytest.fixture
def done(tmp_path):
    return [
        record(tmp_path),
        Unreadable(Item('bad.png', 'bad', str(tmp_path / 'bad.png')), 'no picture'),
        record(tmp_path, 'empty', labels=[], scores=[], bboxes=[]),
        record(tmp_path, 'clip_000012', frame=12),
    ]


def write(name, settings, done, image=None):
    (writer,) = make_writers([name], settings)
    for one in done:
        if isinstance(one, Record):
            writer.write(one, image)
    if hasattr(writer, 'write_all'):
        writer.write_all(done)
    return writer.path


def test_coco_is_read_by_its_own_package(settings, done):
    path = write('coco', settings, done)
    content = json.loads(path.read_text())
    assert [image['file_name'] for image in content['images']] == [
        'a.png',
        'empty.png',
        'clip_000012.png',
    ]
    assert content['images'][2]['frame_id'] == 12
    assert content['info']['unreadable'] == [dict(file_name='bad.png', reason='no picture')]
    truth = COCO(str(path))
    assert [category['name'] for category in truth.loadCats([1, 2])] == ['square', 'bar']
    results = truth.loadRes(content['annotations'])
    first = results.anns[1]
    assert (first['image_id'], first['category_id'], first['score']) == (1, 2, 0.9)
    assert first['bbox'] == [10, 20, 10, 10]
    assert results.anns[2]['bbox'] == [50.5, 5.25, 9.5, 3.75]
    assert len(results.anns) == 4


def test_csv(settings, done):
    rows = list(csv.DictReader(write('csv', settings, done).open()))
    assert [(row['picture'].rpartition('/')[2], row['frame']) for row in rows] == [
        ('a.png', ''),
        ('a.png', ''),
        ('clip.mp4', '12'),
        ('clip.mp4', '12'),
    ]
    assert rows[0]['class'] == 'bar'
    assert [float(rows[1][key]) for key in ('score', 'x1', 'y1', 'x2', 'y2')] == [
        0.45,
        50.5,
        5.25,
        60,
        9,
    ]


@pytest.mark.parametrize('name', ['labelme', 'yolo'])
def test_labels_are_read_by_the_converters(name, settings, tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), np.full((60, 80, 3), 90, np.uint8))
    folder = write(name, settings, [record(tmp_path)])
    if name == 'yolo':
        (folder / 'images').mkdir()
        (folder / 'images' / 'a.png').write_bytes((tmp_path / 'a.png').read_bytes())
        (folder / 'data.yaml').write_text((folder / 'data.yaml').read_text() + 'train: images\n')
    else:  # LabelMe's JSON leads to the picture, which may lie outside the folder
        content = json.loads((folder / 'a.json').read_text())
        assert (folder / content['imagePath']).resolve() == (tmp_path / 'a.png').resolve()
        (folder / 'a.png').write_bytes((tmp_path / 'a.png').read_bytes())
        (folder / 'a.json').write_text(json.dumps(dict(content, imagePath='a.png')))
        assert content['shapes'][0]['description'] == '0.900'
    convert(name, folder, tmp_path / 'coco', ConvertOptions())
    (file,) = (tmp_path / 'coco').rglob('*.json')
    read = json.loads(file.read_text())
    categories = {category['id']: category['name'] for category in read['categories']}
    boxes = sorted((categories[box['category_id']], box['bbox']) for box in read['annotations'])
    assert [name for name, _ in boxes] == ['bar', 'square']
    np.testing.assert_allclose(
        [box for _, box in boxes], [[10, 20, 10, 10], [50.5, 5.25, 9.5, 3.75]], atol=1e-3
    )


def test_a_frame_becomes_a_file_for_labelling_tools(settings, tmp_path):
    image = np.full((60, 80, 3), 77, np.uint8)
    folder = write('yolo', settings, [record(tmp_path, 'clip_000012', frame=12)], image)
    assert cv2.imread(str(folder / 'images' / 'clip_000012.png')).mean() == 77
    folder = write('labelme', settings, [record(tmp_path, 'clip_000012', frame=12)], image)
    content = json.loads((folder / 'clip_000012.json').read_text())
    assert cv2.imread(str(folder / content['imagePath'])).mean() == 77


def test_a_picture_shows_ten_pixels_whole(settings, tmp_path):
    """What lies inside a box is as it was: lines go round it, labels beside it."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 200, (60, 80, 3), dtype=np.uint8)
    folder = write('pictures', settings, [record(tmp_path)], image)
    picture = cv2.imread(str(folder / 'a.png'))
    np.testing.assert_array_equal(picture[20:30, 10:20], image[20:30, 10:20])
    assert picture[19, 9].tolist() == [255, 0, 0]  # a bar's blue, in BGR, one pixel wide
    np.testing.assert_array_equal(picture[20:28, 8], image[20:28, 8])
    assert picture.shape[0] > 60  # the legend
    assert not np.array_equal(picture[:60], image)


def test_unknown_formats_are_named(settings):
    with pytest.raises(UserError, match='no such format: cocoo; did you mean coco'):
        make_writers(['cocoo'], settings)
    assert len(make_writers(['csv', 'csv'], settings)) == 1
    assert sorted(FORMATS) == list(FORMATS)
