"""Formats of labelling tools: numbers worked out by hand, and each fault counted."""

import pytest

from mmdet_efpn.datasets.converters import ReadOptions
from mmdet_efpn.utils.errors import UserError


def names_of(content):
    return [entry['name'] for entry in content['categories']]


def test_voc(made, converted, boxes_of):
    content, counts = converted('voc', made('voc'))
    assert names_of(content['all']) == ['cat', 'dog']
    assert boxes_of(content['all']) == [
        ('JPEGImages/a.jpg', 'dog', [10, 20, 20, 40], ''),
        ('JPEGImages/a.jpg', 'cat', [5, 5, 10, 10], 'ignore'),
        ('JPEGImages/a.jpg', 'dog', [90, 70, 10, 10], ''),
    ]
    sizes = [(entry['width'], entry['height']) for entry in content['all']['images']]
    assert sizes == [(100, 80), (100, 80)]  # the second label says 640x480
    assert counts['all'] == {
        'boxes': 3,
        'ignored': 1,
        'clipped': 1,
        'zero_size': 1,
        'bad box': 1,
        'images_without_boxes': 1,
        'size differs from label': 1,
        'corrupt annotation file': 1,
        'missing image': 1,
        'missing annotation file': 1,
    }


def test_voc_lists_are_splits_and_pixels_may_count_from_one(made, converted, boxes_of, write_file):
    source = made('voc')
    write_file(source / 'ImageSets/Main/train.txt', 'a\nb\n')
    write_file(source / 'ImageSets/Main/val.txt', 'b  1\n')
    write_file(source / 'ImageSets/Main/trainval.txt', 'a\nb\n')
    content, _ = converted('voc', source, read=ReadOptions(one_based=True, classes=['dog', 'cat']))
    assert set(content) == {'train', 'val'}
    assert names_of(content['train']) == ['dog', 'cat']
    # xmin 10 is the tenth pixel, which begins at 9; xmax 30 is the last one
    assert boxes_of(content['train'])[0] == ('JPEGImages/a.jpg', 'dog', [9, 19, 21, 41], '')


def test_voc_wrong_file_name_in_a_label(made, converted, write_file, voc_text, make_picture):
    source = made()
    for name in ('a', 'b'):
        make_picture(source / f'JPEGImages/{name}.jpg')
        write_file(source / f'Annotations/{name}.xml', voc_text('a.jpg', [('dog', 0, 1, 2, 3, 4)]))
    content, counts = converted('voc', source)
    assert [image['file_name'] for image in content['all']['images']] == [
        'JPEGImages/a.jpg',
        'JPEGImages/b.jpg',
    ]
    assert counts['all'] == {'file name replaced': 1, 'boxes': 2}


def test_labelme(made, converted, boxes_of):
    content, counts = converted('labelme', made('labelme'))
    assert boxes_of(content['all']) == [
        ('a.png', 'dog', [10, 20, 20, 40], ''),
        ('a.png', 'cat', [1, 2, 24, 10], ''),  # two parts of one group
        ('a.png', 'cat', [45, 35, 10, 10], 'ignore'),  # radius 5
    ]
    assert counts['all'] == {
        'boxes': 3,
        'ignored': 1,
        'shape without box': 1,
        'bad box': 1,
        'images_without_boxes': 1,
        'missing image': 1,
        'image without label file': 1,
    }


def test_labelme_picture_in_the_folder_beside(made, converted, write_file, make_picture):
    source = made()
    make_picture(source / 'images/a.png')
    write_file(source / 'labels/a.json', dict(imagePath='..\\images\\a.png', shapes=[]))
    content, _ = converted('labelme', source)
    assert content['all']['images'][0]['file_name'] == 'images/a.png'


def test_cvat(made, converted, boxes_of):
    content, counts = converted('cvat', made('cvat'))
    assert names_of(content['all']) == ['dog', 'cat']
    boxes = [
        (name, kind, [round(value, 6) for value in box], mark)
        for name, kind, box, mark in boxes_of(content['all'])
    ]
    assert boxes == [
        ('images/a.jpg', 'cat', [10, 20, 20.5, 40], ''),
        ('images/a.jpg', 'dog', [30, 20, 20, 40], ''),  # 40x20 about (40, 40), on its end
        ('images/a.jpg', 'dog', [1, 2, 10, 7], ''),
        ('images/a.jpg', 'dog', [40, 35, 20, 10], ''),
        ('images/a.jpg', 'dog', [1, 1, 8, 8], 'ignore'),
    ]
    assert counts['all'] == {
        'boxes': 5,
        'ignored': 1,
        'shape without box': 1,
        'bad box': 1,
        'unknown_class': 1,
        'images_without_boxes': 1,
        'missing image': 1,
    }


def test_cvat_for_video_is_refused(made, converted, write_file):
    source = made()
    write_file(source / 'annotations.xml', '<annotations><track id="0" label="dog"/></annotations>')
    with pytest.raises(ValueError, match=r'export the task as "CVAT for images 1\.1"'):
        converted('cvat', source)


def test_openimages(made, converted, boxes_of):
    content, counts = converted('openimages', made('openimages'))
    assert names_of(content['train']) == names_of(content['validation']) == ['Cat, tame', 'Dog']
    assert boxes_of(content['train']) == [
        ('train/a.jpg', 'Dog', [10, 20, 20, 40], ''),
        ('train/a.jpg', 'Cat, tame', [50, 40, 50, 40], 'crowd'),
    ]
    assert boxes_of(content['validation']) == [('validation/v.jpg', 'Cat, tame', [0, 0, 50, 40], '')]
    assert counts['train'] == {
        'boxes': 2,
        'crowd': 1,
        'bad box': 1,
        'missing image': 1,
        'image without rows': 1,
    }


def test_openimages_table_that_is_no_text(made, converted):
    source = made('openimages')
    with (source / 'validation-annotations-bbox.csv').open('ab') as file:
        file.write(b'\xff\xfe,x\n')
    with pytest.raises(UserError, match='is no CSV in UTF-8'):
        converted('openimages', source)


def test_coco(made, converted, boxes_of):
    content, counts = converted('coco', made('coco'))
    assert set(content) == {'train', 'val'}
    assert boxes_of(content['train']) == [
        ('images/train/a.jpg', 'dog', [10, 20, 20, 40], ''),
        ('images/train/b.jpg', 'cat', [0, 0, 10, 10], 'crowd'),
        ('images/train/b.jpg', 'cat', [0, 0, 10, 10], 'ignore'),
        ('images/train/b.jpg', 'cat', [0, 0, 10, 10], ''),
    ]
    # the box's area, but the mask's where there is one
    assert [entry['area'] for entry in content['train']['annotations']] == [800, 100, 100, 50]
    assert counts['train'] == {
        'boxes': 4,
        'crowd': 1,
        'ignored': 1,
        'duplicate image id': 1,
        'duplicate annotation id': 1,
        'bad box': 1,
        'unknown image': 1,
        'unknown category': 1,
        'missing image': 1,
    }


def test_coco_one_file(made, converted, boxes_of):
    source = made('coco')
    content, _ = converted('coco', source / 'annotations/instances_val2017.json')
    assert boxes_of(content['val']) == [('images/val/v.jpg', 'cat', [1, 2, 3, 4], '')]


def test_coco_files_of_other_categories_are_refused(made, converted, write_file, coco_content):
    source = made('coco')
    write_file(source / 'annotations/test.json', coco_content(['cat', 'dog'], [(1, 'v.jpg')], []))
    with pytest.raises(ValueError, match='other categories than the files before'):
        converted('coco', source)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('', 'is empty'),
        ('{"images": ', 'no valid JSON'),
        ('[]', 'not in COCO format'),
        ('{"categories": [], "annotations": []}', "no lists 'images'"),
        ('{"categories": [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]}', 'have the id 1'),
        ('{"categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "a"}]}', 'have the name a'),
    ],
)
def test_coco_damaged_file(made, converted, write_file, content, message):
    source = made()
    write_file(source / 'a.json', content)
    with pytest.raises(ValueError, match=message):
        converted('coco', source)
