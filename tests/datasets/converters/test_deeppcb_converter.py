"""A tiny DeepPCB tree made by hand: two boards, known boxes."""

import json

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from mmdet_efpn.datasets import DeepPCBDataset
from mmdet_efpn.datasets.converters import convert_deeppcb


def add_board(folder, split, name, lines, size=(64, 48)):
    image, annotation = f'group1/1/{name}.jpg', f'group1/1_not/{name}.txt'
    for path in (image, annotation):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / f'group1/1/{name}_test.jpg')
    (folder / annotation).write_text('\n'.join(lines))
    with (folder / f'{split}.txt').open('a') as file:
        file.write(f'{image} {annotation}\n')


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / 'source'
    add_board(folder, 'train', 'a', ['1 2 11 22 1', '', '30 10 40 15 6'])
    add_board(folder, 'val', 'b', ['0 0 64 48 3'])
    return folder


def load(out, split='train'):
    return json.loads((out / 'annotations' / f'{split}.json').read_text())


def nothing_written(out):
    return not out.exists() or not any(out.rglob('*'))


def test_numbers_worked_out_by_hand(source, tmp_path):
    out = tmp_path / 'out'
    writers = convert_deeppcb(source, out)
    assert set(writers) == {'train', 'val'}
    train = load(out)
    assert train['images'] == [dict(id=1, file_name='group1/1/a_test.jpg', width=64, height=48)]
    boxes = [(a['category_id'], a['bbox'], a['area']) for a in train['annotations']]
    assert boxes == [(1, [1, 2, 10, 20], 200), (6, [30, 10, 10, 5], 50)]
    names = [category['name'] for category in train['categories']]
    assert names == ['open', 'short', 'mousebite', 'spur', 'copper', 'pin-hole']
    assert load(out, 'val')['annotations'][0]['bbox'] == [0, 0, 64, 48]
    assert 'median box side 14.1 px' in writers['train'].summary()


def test_reads_as_coco_and_as_dataset(source, tmp_path):
    out = tmp_path / 'out'
    convert_deeppcb(source, out)
    assert len(COCO(str(out / 'annotations/train.json')).getAnnIds(catIds=[6])) == 1
    dataset = DeepPCBDataset(
        data_root=str(out),
        ann_file='annotations/train.json',
        data_prefix=dict(img='images/'),
        pipeline=[dict(type='LoadImageFromFile')],
    )
    assert dataset[0]['img'].shape == (48, 64, 3)
    assert [entry['bbox_label'] for entry in dataset.get_data_info(0)['instances']] == [0, 5]
    assert not any(dataset.dropped.values())


def test_bad_boxes_are_counted(source, tmp_path):
    add_board(
        source,
        'train',
        'c',
        ['60 40 70 50 2', '5 5 5 9 1', '9 9 5 5 1', '64 0 70 9 1', '-9 0 0 9 1', '1 1 9 9 7'],
    )
    writers = convert_deeppcb(source, tmp_path / 'out')
    counts = dict(writers['train'].counts)
    assert counts == dict(boxes=3, clipped=1, zero_size=2, outside_image=2, unknown_class=1)
    assert load(tmp_path / 'out')['annotations'][-1]['bbox'] == [60, 40, 4, 8]
    assert 'warning: outside image: 2' in writers['train'].summary()
    assert 'type 7 1' in writers['train'].summary()


def test_empty_annotation_file_is_a_counted_image_without_boxes(source, tmp_path):
    add_board(source, 'train', 'c', [])
    writers = convert_deeppcb(source, tmp_path / 'out')
    assert writers['train'].counts['images_without_boxes'] == 1
    assert len(load(tmp_path / 'out')['images']) == 2
    assert 'warning: images without boxes: 1' in writers['train'].summary()


def remove_image(source):
    (source / 'group1/1/a_test.jpg').unlink()


def remove_annotation(source):
    (source / 'group1/1_not/a.txt').unlink()


def truncate_image(source):
    path = source / 'group1/1/a_test.jpg'
    path.write_bytes(path.read_bytes()[:600])


def garble_annotation(source):
    (source / 'group1/1_not/a.txt').write_text('1 2 3\n')


@pytest.mark.parametrize(
    ('harm', 'error', 'message'),
    [
        (remove_image, FileNotFoundError, r'missing image: .*a_test\.jpg'),
        (remove_annotation, FileNotFoundError, r'missing annotation file: .*a\.txt'),
        (truncate_image, ValueError, r'corrupt image: .*a_test\.jpg'),
        (garble_annotation, ValueError, r"corrupt annotation file: .*a\.txt \(line 1 is '1 2 3'"),
    ],
)
def test_bad_file_stops_or_is_counted(source, tmp_path, harm, error, message):
    add_board(source, 'train', 'c', ['1 1 9 9 2'])
    harm(source)
    out = tmp_path / 'out'
    with pytest.raises(error, match=message):
        convert_deeppcb(source, out)
    assert nothing_written(out)

    writers = convert_deeppcb(source, out, skip_bad=True)
    assert [image['file_name'] for image in load(out)['images']] == ['group1/1/c_test.jpg']
    cause = message.split(':')[0]
    assert writers['train'].counts[cause] == 1
    assert f'warning: {cause}: 1' in writers['train'].summary()


@pytest.mark.parametrize(
    ('text', 'message'), [('', 'is empty'), ('only_one_word\n', 'bad line: .*train.txt:1')]
)
def test_bad_list(source, tmp_path, text, message):
    (source / 'train.txt').write_text(text)
    with pytest.raises(ValueError, match=message):
        convert_deeppcb(source, tmp_path / 'out')
    assert nothing_written(tmp_path / 'out')


def test_missing_lists(source, tmp_path):
    with pytest.raises(FileNotFoundError, match=r'none of train.txt'):
        convert_deeppcb(tmp_path, tmp_path / 'out')
    with pytest.raises(FileNotFoundError, match=r'test.txt is missing'):
        convert_deeppcb(source, tmp_path / 'out', splits=['test'])


def test_ways_to_place_images(source, tmp_path):
    convert_deeppcb(source, tmp_path / 'link')
    assert (tmp_path / 'link/images').is_symlink()
    convert_deeppcb(source, tmp_path / 'link')

    convert_deeppcb(source, tmp_path / 'copy', images='copy')
    copied = sorted(path.name for path in (tmp_path / 'copy/images').rglob('*.jpg'))
    assert copied == ['a_test.jpg', 'b_test.jpg']
    with pytest.raises(FileExistsError, match='remove it'):
        convert_deeppcb(source, tmp_path / 'copy', images='copy')

    convert_deeppcb(source, tmp_path / 'none', images='none')
    assert not (tmp_path / 'none/images').exists()
    with pytest.raises(ValueError, match="'symlink', 'copy' or 'none'"):
        convert_deeppcb(source, tmp_path / 'out', images='move')


def test_interrupted_write_keeps_the_older_file(source, tmp_path, monkeypatch):
    out = tmp_path / 'out'
    convert_deeppcb(source, out)
    before = (out / 'annotations/train.json').read_bytes()
    monkeypatch.setattr('os.replace', lambda *_: (_ for _ in ()).throw(OSError('disk full')))
    add_board(source, 'train', 'c', ['1 1 9 9 2'])
    with pytest.raises(OSError, match='disk full'):
        convert_deeppcb(source, out, overwrite=True)
    assert (out / 'annotations/train.json').read_bytes() == before
    assert sorted(path.name for path in (out / 'annotations').iterdir()) == [
        'train.json',
        'val.json',
    ]


def test_command(source, tmp_path, command):
    code, said, _ = command('convert', 'deeppcb', source, tmp_path / 'out')
    assert code == 0
    assert 'train.json: 1 images, 2 boxes' in said
    assert command('convert', 'deeppcb', source, tmp_path / 'out')[0] == 0  # says the same
    written = tmp_path / 'out' / 'annotations' / 'train.json'
    written.write_text('mine')
    code, _, error = command('convert', 'deeppcb', source, tmp_path / 'out')
    assert code == 2
    assert '--overwrite' in error
    assert written.read_text() == 'mine'
    assert command('convert', 'deeppcb', source, tmp_path / 'out', '--overwrite')[0] == 0
    assert written.read_text() != 'mine'
    (source / 'group1/1/a_test.jpg').unlink()
    code, _, error = command('convert', 'deeppcb', source, tmp_path / 'other')
    assert code == 2
    assert 'error: nothing was written' in error
    assert not (tmp_path / 'other').exists()
