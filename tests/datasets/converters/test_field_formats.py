"""Data sets of the field: their own rules, worked out by hand, and each fault counted."""

import pytest

from mmdet_efpn.datasets import CheckedCocoDataset
from mmdet_efpn.datasets.converters import ReadOptions

REGIONS = 'ignored regions'


def test_visdrone(made, converted, boxes_of):
    content, counts = converted('visdrone', made('visdrone'))
    name = 'VisDrone2019-DET-val/images/a.jpg'
    assert boxes_of(content['val']) == [
        (name, 'car', [10, 20, 20, 40], ''),
        (name, REGIONS, [0, 0, 30, 10], 'region'),
        (name, REGIONS, [50, 50, 10, 10], 'ignore'),  # "others"
        (name, 'pedestrian', [60, 60, 5, 5], 'ignore'),  # score 0
    ]
    assert len(content['val']['categories']) == 11
    assert content['val']['categories'][-1] == dict(id=11, name=REGIONS)
    assert counts['val'] == {
        'boxes': 4,
        'ignored': 3,
        'crowd': 1,
        'bad box': 1,
        'zero_size': 1,
        'missing annotation file': 1,
        'missing image': 1,
    }


def test_visdrone_one_folder_is_one_split(made, converted):
    source = made('visdrone')
    content, _ = converted('visdrone', source / 'VisDrone2019-DET-train')
    assert content['train']['images'][0]['file_name'] == 'images/a.jpg'


def test_aitod(made, converted, boxes_of):
    content, counts = converted('aitod', made('aitod'))
    assert boxes_of(content['trainval']) == [
        ('images/trainval/a.png', 'vehicle', [10, 20, 5, 6], ''),
        ('images/trainval/a.png', 'person', [98, 70, 2, 6], ''),
    ]
    assert counts['trainval'] == {'boxes': 2, 'clipped': 1, 'missing image': 1}
    assert counts['test'] == {'images_without_boxes': 1}


def test_aitod_both_versions_are_not_mixed(made, converted, write_file, coco_content):
    source = made('aitod')
    write_file(source / 'annotations/aitod_test_v1.json', coco_content(['ship'], [(1, 't.png')], []))
    with pytest.raises(ValueError, match='--annotation-file chooses one'):
        converted('aitod', source)
    read = ReadOptions(annotation_files=['annotations/aitod_test_v1.json'])
    content, _ = converted('aitod', source, read=read)
    assert set(content) == {'test'}


def test_soda_d(made, converted, boxes_of):
    content, counts = converted('soda-d', made('soda-d'))
    assert boxes_of(content['train']) == [
        ('Images/a.jpg', 'people', [10, 20, 5, 6], ''),
        ('Images/a.jpg', REGIONS, [0, 0, 50, 10], 'region'),
        ('Images/a.jpg', 'rider', [1, 30, 4, 4], 'ignore'),
    ]
    assert len(content['train']['categories']) == 10
    assert counts['train'] == {'boxes': 3, 'ignored': 2, 'crowd': 1, 'zero_size': 1}


def test_soda_a(made, converted, boxes_of):
    content, counts = converted('soda-a', made('soda-a'))
    assert boxes_of(content['val']) == [
        ('val/Images/00001.jpg', 'small-vehicle', [10, 10, 20, 20], ''),
        ('val/Images/00001.jpg', REGIONS, [0, 0, 50, 10], 'region'),
    ]
    assert counts['val'] == {'boxes': 2, 'ignored': 1, 'crowd': 1, 'bad box': 1, 'unknown_class': 1}


def test_dota(made, converted, boxes_of):
    content, counts = converted('dota', made('dota'))
    assert boxes_of(content['train']) == [
        ('train/images/P0001.png', 'plane', [10, 10, 20, 20], ''),
        ('train/images/P0001.png', 'ship', [1, 1, 8, 4], 'ignore'),
        ('train/images/P0001.png', 'container-crane', [40, 40, 20, 10], ''),
    ]
    assert len(content['val']['categories']) == 16  # version 1.5 has the crane
    assert counts['train'] == {
        'boxes': 3,
        'ignored': 1,
        'bad box': 1,
        'unknown_class': 1,
        'missing annotation file': 1,
    }


def test_dota_two_versions_are_not_mixed(made, converted, write_file):
    source = made('dota')
    write_file(source / 'train/labelTxt/P0001.txt', '')
    with pytest.raises(ValueError, match='move one version away'):
        converted('dota', source)


def test_tinyperson(made, converted, boxes_of):
    content, counts = converted('tinyperson', made('tinyperson'))
    name = 'test/labeled_images/a.jpg'
    assert boxes_of(content['test']) == [
        (name, 'sea_person', [10, 20, 5, 6], ''),
        (name, 'earth_person', [0, 0, 50, 10], 'region'),
        (name, 'sea_person', [1, 30, 4, 4], 'ignore'),
    ]
    assert counts['test'] == {'boxes': 3, 'ignored': 2, 'crowd': 1, 'zero_size': 1}


def test_uavdt(made, converted, boxes_of):
    content, counts = converted('uavdt', made('uavdt'))
    first = 'UAV-benchmark-M/M0101/img000001.jpg'
    assert boxes_of(content['train']) == [
        (first, 'car', [10, 20, 20, 40], ''),
        (first, 'bus', [50, 10, 20, 20], ''),
        (first, REGIONS, [0, 0, 30, 10], 'region'),
    ]
    assert len(content['train']['images']) == 2
    assert boxes_of(content['test']) == [
        ('UAV-benchmark-M/M0203/img000001.jpg', 'truck', [1, 2, 3, 4], '')
    ]
    assert counts['train'] == {
        'boxes': 3,
        'ignored': 1,
        'crowd': 1,
        'bad box': 1,
        'unknown_class': 1,
        'missing image': 1,
        'images_without_boxes': 1,
    }


def test_hit_uav(made, converted, boxes_of):
    content, counts = converted('hit-uav', made('hit-uav'))
    name = 'train/0_60_30_0_00001.jpg'
    assert boxes_of(content['train']) == [
        (name, 'Person', [10, 20, 5, 6], ''),
        (name, REGIONS, [0, 0, 30, 10], 'region'),
    ]
    names = [entry['name'] for entry in content['train']['categories']]
    assert names == ['Person', 'Car', 'Bicycle', 'OtherVehicle', REGIONS]
    assert counts['train'] == {'boxes': 2, 'ignored': 1, 'crowd': 1, 'outside_image': 1}


@pytest.mark.parametrize(
    ('name', 'split', 'label'),
    [('visdrone', 'val', 3), ('soda-d', 'train', 0), ('tinyperson', 'test', 0)],
)
def test_what_is_ignored_does_not_train_as_an_object(made, converted, tmp_path, name, split, label):
    content, _ = converted(name, made(name))
    classes = [entry['name'] for entry in content[split]['categories'] if entry['name'] != REGIONS]
    dataset = CheckedCocoDataset(
        data_root=str(tmp_path / 'out'),
        ann_file=f'annotations/{split}.json',
        data_prefix=dict(img='images/'),
        metainfo=dict(classes=classes),
        pipeline=[],
    )
    instances = dataset.get_data_info(0)['instances']
    assert [entry['bbox_label'] for entry in instances if not entry['ignore_flag']] == [label]
