"""The counts are worked out by hand; which boxes stay is compared with MMDetection's own class."""

import json

import numpy as np
import pytest
from mmdet.datasets import CocoDataset
from mmdet.registry import DATASETS
from mmengine.registry import DefaultScope
from PIL import Image

from mmdet_efpn.datasets import CheckedCocoDataset, checked_coco

CLASSES = ('bolt', 'nut')


def box(number, image_id, category_id, bbox, **extra):
    area = extra.pop('area', bbox[2] * bbox[3])
    return dict(id=number, image_id=image_id, category_id=category_id, bbox=bbox, area=area, **extra)


def write(folder, content):
    path = folder / 'annotations.json'
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def content():
    """Image 1 holds one box of each kind, 2 none, 3 is too small, 4 holds another category."""
    sizes = {1: 100, 2: 100, 3: 20, 4: 100}
    return dict(
        images=[dict(id=n, file_name=f'{n}.png', width=side, height=side) for n, side in sizes.items()],
        annotations=[
            box(1, 1, 1, [10, 10, 8, 8]),
            box(2, 1, 2, [90, 90, 20, 20]),
            box(3, 1, 1, [30, 30, 40, 40], iscrowd=1),
            box(4, 1, 1, [10, 10, 8, 8], ignore=1),
            box(5, 1, 1, [10, 10, 0, 8]),
            box(6, 1, 1, [10, 10, 0.5, 8]),
            box(7, 1, 1, [10, 10, 8, 8], area=0),
            box(8, 1, 1, [100, 10, 8, 8]),
            box(9, 1, 1, [-8, 10, 8, 8]),
            box(10, 1, 99, [10, 10, 8, 8]),
            box(11, 1, 3, [10, 10, 8, 8]),
            box(12, 777, 1, [10, 10, 8, 8]),
            box(13, 3, 2, [2, 2, 8, 8]),
            box(14, 4, 3, [2, 2, 8, 8]),
            box(15, 1, 1, [10, 10, 8, 0.5]),
            box(16, 1, 1, [10, 100, 8, 8]),
            box(17, 1, 1, [10, -8, 8, 8]),
        ],
        categories=[dict(id=n, name=name) for n, name in ((1, 'bolt'), (2, 'nut'), (3, 'washer'))],
    )


@pytest.fixture
def folder(tmp_path):
    write(tmp_path, content())
    for image in content()['images']:
        Image.new('RGB', (image['width'], image['height'])).save(tmp_path / image['file_name'])
    return tmp_path


def settings(folder, **changes):
    default = dict(
        data_root=str(folder),
        ann_file='annotations.json',
        data_prefix=dict(img=''),
        metainfo=dict(classes=CLASSES),
        filter_cfg=dict(filter_empty_gt=True, min_size=32),
    )
    return {**default, **changes}


def test_counts_every_cause(folder):
    dataset = CheckedCocoDataset(**settings(folder))
    assert dataset.dropped == dict(
        zero_size=3,
        outside_image=4,
        unknown_category=1,
        other_category=2,
        unknown_image=1,
        other=0,
        images_without_boxes=2,
        images_too_small=1,
    )
    assert dataset.crowd == 2


@pytest.mark.parametrize('changes', [{}, dict(test_mode=True), dict(filter_cfg=None)])
def test_keeps_what_mmdet_keeps(folder, changes):
    ours = CheckedCocoDataset(**settings(folder, **changes))
    plain = content()
    plain['annotations'][3].update(ignore=0, iscrowd=1)  # MMDetection would leave it out
    plain['annotations'][6]['area'] = 64  # and this one
    write(folder, plain)
    theirs = CocoDataset(**settings(folder, **changes))
    assert [ours.get_data_info(i) for i in range(len(ours))] == [
        theirs.get_data_info(i) for i in range(len(theirs))
    ]
    if changes:
        assert len(ours) == 4
        assert ours.dropped['images_without_boxes'] == ours.dropped['images_too_small'] == 0


def test_logs_one_line(folder, monkeypatch):
    lines = []
    monkeypatch.setattr(checked_coco, 'print_log', lambda text, **_: lines.append(text))
    CheckedCocoDataset(**settings(folder))
    line = lines[0]
    assert '1 images, 6 of 17 boxes usable, 2 of them crowd regions' in line
    for part in ('3 zero size', '4 outside image', '1 unknown category', '1 images too small'):
        assert part in line


def test_lazy_init_and_indices(folder):
    dataset = CheckedCocoDataset(**settings(folder, lazy_init=True, filter_cfg=None, indices=[3]))
    assert sum(dataset.dropped.values()) == 0
    dataset.full_init()
    dataset.full_init()
    assert len(dataset) == 1
    assert dataset.get_data_info(0)['img_id'] == 4
    assert dataset.dropped['zero_size'] == 3


@pytest.mark.parametrize(
    ('wrapper', 'length'),
    [
        (dict(type='RepeatDataset', times=3), 3),
        (dict(type='ClassBalancedDataset', oversample_thr=1e-3), 1),
        (dict(type='ConcatDataset'), 2),
    ],
)
def test_works_in_wrappers(folder, wrapper, length):
    inner = dict(type='CheckedCocoDataset', **settings(folder))
    key = dict(datasets=[inner, inner]) if 'Concat' in wrapper['type'] else dict(dataset=inner)
    with DefaultScope.overwrite_default_scope('mmdet'):
        wrapped = DATASETS.build({**wrapper, **key})
    assert len(wrapped) == length
    assert len(wrapped.get_data_info(length - 1)['instances']) == 5


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', 'is empty'),
        ('{"images": [', 'no valid JSON'),
        ('[1, 2]', 'not in COCO format'),
        ('{"images": [], "categories": []}', "no list 'annotations'"),
    ],
)
def test_broken_annotation_file(folder, text, message):
    path = write(folder, text)
    with pytest.raises(ValueError, match=message) as caught:
        CheckedCocoDataset(**settings(folder))
    assert str(path) in str(caught.value)


def test_missing_annotation_file(folder):
    with pytest.raises(FileNotFoundError, match=r'other\.json does not exist.*ann_file'):
        CheckedCocoDataset(**settings(folder, ann_file='other.json'))


@pytest.mark.parametrize('bbox', [[1, 2, 3], [1, 2, 3, float('nan')], None, [1, 2, 3, 'x']])
def test_bad_box_is_named(folder, bbox):
    bad = content()
    bad['annotations'][1]['bbox'] = bbox
    write(folder, bad)
    with pytest.raises(ValueError, match='annotation 2 has bbox'):
        CheckedCocoDataset(**settings(folder))


def test_missing_key_is_named(folder):
    bad = content()
    del bad['annotations'][0]['image_id']
    write(folder, bad)
    with pytest.raises(ValueError, match=r"entry 0 of 'annotations' \(id 1\) lacks \['image_id'\]"):
        CheckedCocoDataset(**settings(folder))


def test_class_that_the_file_lacks(folder):
    with pytest.raises(ValueError, match='no category') as caught:
        CheckedCocoDataset(**settings(folder, metainfo=dict(classes=('bolt', 'gear'))))
    for name in ('gear', 'washer', 'bolt'):
        assert name in str(caught.value)


def test_classes_in_another_order(folder):
    with pytest.raises(ValueError, match=r"another order.*classes=\('bolt', 'nut'\)"):
        CheckedCocoDataset(**settings(folder, metainfo=dict(classes=('nut', 'bolt'))))


def test_no_image_left(folder):
    with pytest.raises(ValueError, match=r'no image of .* is left.*4 images too small'):
        CheckedCocoDataset(**settings(folder, filter_cfg=dict(min_size=101, filter_empty_gt=False)))


def test_missing_images(folder):
    (folder / '1.png').unlink()
    with pytest.raises(FileNotFoundError, match=r'1 of 1 images are missing.*1\.png'):
        CheckedCocoDataset(**settings(folder))
    assert len(CheckedCocoDataset(**settings(folder, check_images=False))) == 1


def damage(folder, kind):
    path = folder / '1.png'
    noise = np.random.default_rng(0).integers(0, 255, (100, 100, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path, format='JPEG')
    data = path.read_bytes()
    path.write_bytes(dict(empty=b'', garbage=b'no image', truncated=data[: len(data) // 2])[kind])
    return path


@pytest.mark.parametrize('kind', ['empty', 'garbage'])
def test_damaged_image_is_named_while_loading(folder, kind):
    path = damage(folder, kind)
    dataset = CheckedCocoDataset(**settings(folder, pipeline=[dict(type='LoadImageFromFile')]))
    with pytest.raises(ValueError, match=r'1\.png cannot be decoded') as caught:
        dataset[0]
    assert str(path) in str(caught.value)


@pytest.mark.parametrize('kind', ['empty', 'garbage', 'truncated'])
def test_decoding_check_finds_damaged_images(folder, kind):
    damage(folder, kind)
    with pytest.raises(ValueError, match=r'1 of 1 images are damaged.*1\.png'):
        CheckedCocoDataset(**settings(folder, check_images='decode'))


def test_other_pipeline_errors_pass_through(folder):
    def fail(results):
        raise KeyError('mine')

    dataset = CheckedCocoDataset(**settings(folder, pipeline=[fail]))
    with pytest.raises(KeyError, match='mine'):
        dataset[0]


def test_wrong_check_images(folder):
    with pytest.raises(ValueError, match='check_images'):
        CheckedCocoDataset(**settings(folder, check_images='yes'))
