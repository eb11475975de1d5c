"""YOLO: what data.yaml may say, and each fault of a label line."""

import pytest
import yaml

from mmdet_efpn.datasets.converters import ReadOptions


def test_numbers_worked_out_by_hand(made, converted, boxes_of):
    content, counts = converted('yolo', made('yolo'))
    assert set(content) == {'train', 'val'}
    assert boxes_of(content['train']) == [
        ('train/images/a.jpg', 'dog', [10, 20, 20, 40], ''),
        ('train/images/a.jpg', 'cat', [10, 8, 20, 24], ''),
        ('more/images/b.jpg', 'cat', [0, 20, 100, 40], ''),
    ]
    assert [image['file_name'] for image in content['train']['images']] == [
        'train/images/a.jpg',
        'train/images/empty.jpg',
        'more/images/b.jpg',
    ]
    assert counts['train'] == {
        'boxes': 3,
        'clipped': 1,
        'images_without_boxes': 1,
        'label line of wrong length': 1,
        'class out of range': 1,
        'duplicate box': 1,
        'label line not numbers': 1,
        'label file without image': 1,
    }
    assert counts['val'] == {'boxes': 1}


@pytest.fixture
def source(made, make_picture, write_file):
    """Two pictures, one with a box."""
    root = made()
    make_picture(root / 'data/images/train/a.jpg')
    make_picture(root / 'data/images/train/b.png')
    write_file(root / 'data/labels/train/a.txt', '0 0.5 0.5 0.5 0.5')
    write_file(root / 'list.txt', './data/images/train/a.jpg\n\ndata/images/train/b.png\n')
    write_file(root / 'data/images/short.txt', './train/b.png\n')
    return root


def say(root, **content):
    (root / 'data.yaml').write_text(yaml.safe_dump(dict(dict(names=['dog']), **content)))


@pytest.mark.parametrize(
    ('train', 'path', 'expected'),
    [
        ('data/images/train', None, ['a.jpg', 'b.png']),
        ('images/train', 'data', ['a.jpg', 'b.png']),
        ('images', './data', ['a.jpg', 'b.png']),
        ('images/train', 'FULL/data', ['a.jpg', 'b.png']),
        ('data/images/train', '/on/another/machine', ['a.jpg', 'b.png']),
        ('list.txt', None, ['a.jpg', 'b.png']),
        ('images/short.txt', 'data', ['b.png']),
        ('../data/images/train', None, ['a.jpg', 'b.png']),
        (['list.txt', 'data/images/train'], None, ['a.jpg', 'b.png']),
    ],
)
def test_ways_to_name_pictures(source, converted, train, path, expected):
    say(source, train=train, path=path and path.replace('FULL', str(source)))
    content, counts = converted('yolo', source)
    names = [image['file_name'] for image in content['train']['images']]
    assert names == [f'data/images/train/{name}' for name in expected]
    assert counts['train'].get('boxes', 0) == ('a.jpg' in expected)
    assert counts['train'].get('duplicate image', 0) == (2 if isinstance(train, list) else 0)


def test_the_yaml_itself_is_a_source(source, converted):
    say(source, train='data/images')
    (source / 'data.yaml').rename(source / 'my.yml')
    for given in (source, source / 'my.yml'):
        content, _ = converted('yolo', given, out=given.name)
        assert len(content['train']['images']) == 2


def test_class_numbers_with_gaps(source, converted, write_file, boxes_of):
    say(source, train='data/images', names={'7': 'owl', '3': 'dog'})
    write_file(source / 'data/labels/train/a.txt', '7 .5 .5 .5 .5\n3 .5 .5 .25 .25\n0 .5 .5 .25 .25')
    content, counts = converted('yolo', source)
    assert [entry['name'] for entry in content['train']['categories']] == ['dog', 'owl']
    assert [entry[1] for entry in boxes_of(content['train'])] == ['owl', 'dog']
    assert counts['train']['class out of range'] == 1


def test_keypoints_follow_the_box(source, converted, write_file, boxes_of):
    say(source, train='data/images', kpt_shape=[2, 3])
    write_file(source / 'data/labels/train/a.txt', '0 .5 .5 .5 .5 .1 .1 2 .9 .9 2\n0 .5 .5 .5 .5')
    content, counts = converted('yolo', source)
    assert [entry[2] for entry in boxes_of(content['train'])] == [[25, 20, 50, 40]]
    assert counts['train']['label line of wrong length'] == 1


@pytest.mark.parametrize(
    ('content', 'error', 'message'),
    [
        (dict(train='nowhere'), FileNotFoundError, 'train is nowhere'),
        (dict(train='data'), None, None),
        (dict(train='list.txt', nc=3), ValueError, 'nc is 3, but there are 1 names'),
        (dict(train='list.txt', names=['a', 'a']), ValueError, 'named twice'),
        (dict(train='list.txt', names='dog'), ValueError, 'names must be'),
        (dict(train='list.txt', names={'x': 'dog'}), ValueError, 'whole numbers'),
        (dict(train='list.txt', kpt_shape=3), ValueError, 'kpt_shape'),
        (dict(val=None), ValueError, 'names none of'),
        (dict(train='data/labels'), ValueError, 'holds no picture'),
        (dict(train='../outside'), ValueError, 'leads out of the folder'),
        (dict(train='images', path='../outside'), ValueError, 'leads out of the folder'),
        (dict(train='/'), ValueError, 'leads out of the folder'),
    ],
)
def test_faults_of_the_yaml(source, tmp_path, converted, content, error, message):
    (tmp_path / 'outside/images').mkdir(parents=True)
    say(source, **content)
    if error is None:
        assert len(converted('yolo', source)[0]['train']['images']) == 2
        return
    with pytest.raises(error, match=message):
        converted('yolo', source)
    assert not (tmp_path / 'out').exists()


def test_list_with_a_name_that_leads_out(source, converted, write_file):
    write_file(source / 'list.txt', '../../etc/x.jpg\n')
    say(source, train='list.txt')
    with pytest.raises(ValueError, match=r"'\.\./\.\./etc/x\.jpg' leads out of the folder"):
        converted('yolo', source)


def test_only_one_split(source, converted):
    say(source, train='list.txt', val='data/images/short.txt')
    content, _ = converted('yolo', source, read=ReadOptions(splits=['val']))
    assert set(content) == {'val'}
