"""A tiny TT100K tree made by hand."""

import json

import pytest
from PIL import Image
from pycocotools.coco import COCO

from mmdet_efpn.datasets import TT100KDataset
from mmdet_efpn.datasets.converters import convert_tt100k


def sign(category, *corners):
    return dict(
        category=category, bbox=dict(zip(('xmin', 'ymin', 'xmax', 'ymax'), corners, strict=True))
    )


def tree():
    return {
        '10': dict(path='train/10.jpg', id=10, objects=[sign('pl50', 10.5, 20, 30.5, 44)]),
        '9': dict(
            path='train/9.jpg',
            id=9,
            objects=[
                sign('wo', 90, 90, 110, 120),
                sign('p99', 1, 1, 9, 9),
                sign('i2', 5, 5, 5, 9),
                sign('i2', 200, 5, 210, 9),
            ],
        ),
        '3': dict(path='test/3.jpg', id=3, objects=[]),
        '4': dict(path='other/4.jpg', id=4, objects=[sign('i2', 1, 1, 9, 9)]),
    }


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / 'source'
    for entry in tree().values():
        path = folder / entry['path']
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new('RGB', (100, 100), (90, 120, 200)).save(path)
    (folder / 'annotations.json').write_text(json.dumps(dict(imgs=tree(), types=[])))
    return folder


def test_numbers_worked_out_by_hand(source, tmp_path):
    writers = convert_tt100k(source, tmp_path / 'out')
    train = json.loads((tmp_path / 'out/annotations/train.json').read_text())
    assert [image['file_name'] for image in train['images']] == ['train/9.jpg', 'train/10.jpg']
    names = {category['id']: category['name'] for category in train['categories']}
    assert len(names) == 45
    assert [(names[a['category_id']], a['bbox']) for a in train['annotations']] == [
        ('wo', [90, 90, 10, 10]),
        ('pl50', [10.5, 20, 20.0, 24]),
    ]
    assert dict(writers['train'].counts) == dict(
        boxes=2, clipped=1, unknown_class=1, zero_size=1, outside_image=1
    )
    assert writers['train'].unknown_classes == dict(p99=1)
    assert writers['test'].counts['images_without_boxes'] == 1


def test_reads_as_coco_and_as_dataset(source, tmp_path):
    convert_tt100k(source, tmp_path / 'out')
    assert len(COCO(str(tmp_path / 'out/annotations/test.json')).getImgIds()) == 1
    dataset = TT100KDataset(
        data_root=str(tmp_path / 'out'),
        ann_file='annotations/train.json',
        data_prefix=dict(img='images/'),
        pipeline=[dict(type='LoadImageFromFile')],
    )
    classes = dataset.metainfo['classes']
    assert dataset[1]['img'].shape == (100, 100, 3)
    assert classes[dataset.get_data_info(1)['instances'][0]['bbox_label']] == 'pl50'
    assert len(dataset.metainfo['palette']) == len(set(dataset.metainfo['palette'])) == 45


def test_bad_images_stop_or_are_counted(source, tmp_path):
    (source / 'train/9.jpg').unlink()
    with pytest.raises(FileNotFoundError, match=r'missing image: .*9\.jpg'):
        convert_tt100k(source, tmp_path / 'out')
    assert not (tmp_path / 'out').exists()
    writers = convert_tt100k(source, tmp_path / 'out', skip_bad=True)
    assert writers['train'].counts == {'missing image': 1, 'boxes': 1}

    path = source / 'train/10.jpg'
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match=r'corrupt image: 1(.|\n)*10\.jpg'):
        convert_tt100k(source, tmp_path / 'out2')
    with pytest.raises(ValueError, match="no usable image of split 'train'"):
        convert_tt100k(source, tmp_path / 'out2', skip_bad=True)


def test_headers_only_takes_a_truncated_image(source, tmp_path):
    path = source / 'train/10.jpg'
    path.write_bytes(path.read_bytes()[:-200])
    writers = convert_tt100k(source, tmp_path / 'out', decode=False)
    assert writers['train'].counts['boxes'] == 2


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', 'is empty'),
        ('{"imgs": ', 'no valid JSON'),
        ('{"images": {}}', "isn't in TT100K's format"),
        ('{"imgs": {"1": {"path": "train/9.jpg", "id": 9}}}', 'bad annotation: 1'),
    ],
)
def test_bad_annotation_file(source, tmp_path, text, message):
    (source / 'annotations.json').write_text(text)
    with pytest.raises(ValueError, match=message):
        convert_tt100k(source, tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize('corner', [None, float('nan'), 'left'])
def test_bad_box_corner(source, tmp_path, corner):
    entries = tree()
    entries['10']['objects'][0]['bbox']['xmin'] = corner
    (source / 'annotations.json').write_text(json.dumps(dict(imgs=entries, types=[])))
    with pytest.raises(ValueError, match=r'bad annotation: 1(.|\n)*10\.jpg'):
        convert_tt100k(source, tmp_path / 'out')
    writers = convert_tt100k(source, tmp_path / 'out', skip_bad=True)
    assert writers['train'].counts['bad annotation'] == 1
    assert writers['train'].counts['boxes'] == 1


def test_missing_annotation_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'annotations.json is missing'):
        convert_tt100k(tmp_path, tmp_path / 'out')


def test_command(source, tmp_path, command):
    out = tmp_path / 'out'
    code, said, _ = command('convert', 'tt100k', source, out, '--images', 'none')
    assert code == 0
    assert 'unknown classes (most frequent first): p99 1' in said
    assert not (out / 'images').exists()
