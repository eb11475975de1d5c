"""What holds for every format: strict, nothing half-written, names that lead out, new splits."""

import json
import os
import shutil

import pytest
from PIL import Image

from mmdet_efpn.datasets.converters import ReadOptions, convert
from mmdet_efpn.datasets.converters.job import split_by_share
from mmdet_efpn.datasets.converters.picture import Picture
from mmdet_efpn.datasets.converters.picture_file import name_inside
from mmdet_efpn.datasets.converters.report import Report


def test_strict_names_the_faults_and_writes_nothing(any_format, made, tmp_path, command):
    source, out = made(any_format), tmp_path / 'out'
    code, _, error = command('convert', any_format, source, out, '--strict')
    assert code == 2
    assert 'nothing was written because of faults' in error
    assert error.count('\n') == 1
    assert not out.exists()


def test_strict_takes_a_data_set_without_faults(made, make_picture, write_file, voc_text, converted):
    root = made()
    make_picture(root / 'a.jpg')
    write_file(root / 'a.xml', voc_text('a.jpg', [('dog', 1, 1, 2, 3, 4)]))
    _, counts = converted('voc', root, strict=True)
    assert counts['all'] == {'boxes': 1, 'ignored': 1}


def test_output_reads_as_coco_and_pictures_are_there(any_format, made, tmp_path, converted):
    from pycocotools.coco import COCO

    content, _ = converted(any_format, made(any_format), images='copy')
    for split in content:
        coco = COCO(str(tmp_path / f'out/annotations/{split}.json'))
        assert coco.getImgIds()
        for image in coco.dataset['images']:
            with Image.open(tmp_path / 'out/images' / image['file_name']) as opened:
                assert opened.size == (image['width'], image['height'])
        for box in coco.dataset['annotations']:
            assert box['area'] > 0
            assert box['category_id'] in coco.cats


def test_ten_are_named(made, make_picture, write_file, voc_text, tmp_path, command):
    root = made()
    make_picture(root / 'a.jpg')
    boxes = [('dog', 0, number, 5, number, 9) for number in range(13)]
    write_file(root / 'a.xml', voc_text('a.jpg', [*boxes, ('dog', 0, 1, 1, 9, 9)]))
    code, said, _ = command('convert', 'voc', root, tmp_path / 'out')
    assert code == 0
    assert 'warning: zero size: 13\n' in said
    assert said.count('a.jpg (dog [') == 10
    assert '... and 3 more' in said


def test_report_keeps_ten():
    report = Report()
    for number in range(12):
        report.note('bad box', f'file{number}', 'why')
    report.note('boxes')
    assert report.faults() == {'bad box': 12}
    assert len(report.examples['bad box']) == 10
    assert report.lines()[1] == '    file0 (why)'


@pytest.mark.parametrize(
    'name', ['../x.jpg', '/etc/x.jpg', 'a/../../x.jpg', '..\\x.jpg', 'C:\\x.jpg', '']
)
def test_names_that_lead_out(tmp_path, name):
    with pytest.raises(ValueError, match='leads out of the folder'):
        name_inside(name, tmp_path)


@pytest.mark.parametrize('name', ['a/../x.jpg', './x.jpg', '..x.jpg', 'FULL/x.jpg', 'deep\\x.jpg'])
def test_names_that_stay(tmp_path, name):
    inside = name_inside(name.replace('FULL', str(tmp_path)), tmp_path)
    assert inside in ('x.jpg', '..x.jpg', 'deep/x.jpg')


# One name of each data set: its file, what it says, and what would lead out.
LEADING_OUT = {
    'voc': ('Annotations/a.xml', '<filename>a.jpg', '<filename>../../x.jpg'),
    'labelme': ('a.json', '"a.png"', '"../x.png"'),
    'cvat': ('annotations.xml', 'name="a.jpg"', 'name="../x.jpg"'),
    'openimages': ('oidv6-train-annotations-bbox.csv', 'gone,', '../x,'),
    'coco': ('annotations/instances_train2017.json', '"a.jpg"', '"/etc/x.jpg"'),
    'aitod': ('annotations/aitodv2_test.json', '"t.png"', '"../t.png"'),
    'soda-d': ('Annotations/train.json', '"a.jpg"', '"../a.jpg"'),
    'tinyperson': ('annotations/tiny_set_train.json', 'labeled_images/a', '../../x'),
    'hit-uav': ('normal_json/annotations/train.json', '"0_60', '"../0_60'),
    'deeppcb': ('train.txt', 'group/1_not', '../1_not'),
    'tt100k': ('annotations.json', 'train/10.jpg', 'train/../../10.jpg'),
}


@pytest.mark.parametrize('name', LEADING_OUT)
def test_labels_that_lead_out_are_refused(made, tmp_path, command, name):
    source = made(name)
    file, old, new = LEADING_OUT[name]
    text = (source / file).read_text()
    assert old in text
    (source / file).write_text(text.replace(old, new))
    code, _, error = command('convert', name, source, tmp_path / 'out')
    assert code == 2
    assert 'leads out of the folder' in error
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize('images', ['symlink', 'copy'])
@pytest.mark.parametrize('there', [False, True])
def test_nothing_half_written_stays(made, tmp_path, converted, monkeypatch, images, there):
    source, out = made('coco'), tmp_path / 'out'
    if there:
        out.mkdir()
        (out / 'mine.txt').write_text('mine')
    replace, calls = os.replace, []

    def fails_late(*paths):
        calls.append(paths)
        if len(calls) == 3:
            raise OSError('disk full')
        replace(*paths)

    monkeypatch.setattr('os.replace', fails_late)
    with pytest.raises(OSError, match='disk full'):
        converted('coco', source, images=images)
    assert len(calls) == 3
    if there:
        assert [path.name for path in out.iterdir()] == ['mine.txt']
    else:
        assert not out.exists()
    assert (source / 'images/val/v.jpg').is_file()


def test_failed_overwriting_brings_the_older_files_back(made, tmp_path, converted, monkeypatch):
    source, out = made('coco'), tmp_path / 'deep/er'
    (out / 'annotations').mkdir(parents=True)
    for split in ('train', 'val'):
        (out / f'annotations/{split}.json').write_text(f'my {split}')
    replace = os.replace

    def fails_on_val(source, goal):
        if str(goal).endswith('val.json'):
            raise OSError('disk full')
        replace(source, goal)

    monkeypatch.setattr('os.replace', fails_on_val)
    with pytest.raises(OSError, match='disk full'):
        converted('coco', source, out='deep/er', overwrite=True)
    assert (out / 'annotations/train.json').read_text() == 'my train'
    assert (out / 'annotations/val.json').read_text() == 'my val'
    assert [path.name for path in out.iterdir()] == ['annotations']
    with pytest.raises(OSError, match='disk full'):
        converted('coco', source, out='new/one')
    assert not (tmp_path / 'new').exists()


def test_failed_copy_leaves_nothing(made, tmp_path, converted, monkeypatch):
    def fails(*_):
        raise OSError('disk full')

    monkeypatch.setattr(shutil, 'copyfile', fails)
    with pytest.raises(OSError, match='disk full'):
        converted('coco', made('coco'), images='copy')
    assert not (tmp_path / 'out').exists()


def test_what_is_there_is_kept(made, tmp_path, command):
    source, out = made('coco'), tmp_path / 'out'
    (out / 'annotations').mkdir(parents=True)
    (out / 'annotations/val.json').write_text('mine')
    code, _, error = command('convert', 'coco', source, out)
    assert code == 2
    assert 'val.json exists; --overwrite' in error
    assert [path.name for path in out.rglob('*')] == ['annotations', 'val.json']
    assert command('convert', 'coco', source, out, '--overwrite')[0] == 0
    assert command('convert', 'coco', source, out)[0] == 0  # the same again


def test_truncated_picture_is_left_out(made, make_picture, converted):
    source = made('coco')
    make_picture(source / 'images/train/b.jpg', (100, 80))
    path = source / 'images/train/b.jpg'
    path.write_bytes(path.read_bytes()[:-20])
    _, counts = converted('coco', source)
    assert counts['train']['corrupt image'] == 1
    _, counts = converted('coco', source, out='headers', decode=False)
    assert 'corrupt image' not in counts['train']


def test_scene_larger_than_pillow_likes(made, converted, monkeypatch):
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 100)
    content, counts = converted('soda-a', made('soda-a'))
    assert content['train']['images'][0]['width'] == 100
    assert 'corrupt image' not in counts['train']
    assert Image.MAX_IMAGE_PIXELS == 100


def test_new_splits_have_their_shares_and_depend_on_the_seed_alone():
    def names(seed, order=1):
        pictures = [Picture('all', f'{number}.jpg') for number in range(100)][::order]
        chosen = split_by_share(pictures, dict(train=0.7, val=0.2, test=0.1), seed)
        return {
            split: sorted(picture.file_name for picture in chosen if picture.split == split)
            for split in ('train', 'val', 'test')
        }

    assert [len(part) for part in names(0).values()] == [70, 20, 10]
    assert names(0) == names(0, order=-1)
    assert names(0) != names(1)
    assert len({name for part in names(0).values() for name in part}) == 100


def test_new_splits_by_the_command(made, tmp_path, command):
    source, out = made('coco'), tmp_path / 'out'
    words = ['convert', 'coco', source, out, '--split', 'train=0.5', 'test=0.5', '--seed', 3]
    assert command(*words)[0] == 0
    files = [out / f'annotations/{split}.json' for split in ('train', 'test')]
    content = [json.loads(file.read_text()) for file in files]
    names = [{image['file_name'] for image in part['images']} for part in content]
    assert not names[0] & names[1]
    assert names[0] | names[1] == {'images/train/a.jpg', 'images/train/b.jpg', 'images/val/v.jpg'}
    code, _, error = command('convert', 'coco', source, out, '--split', 'train=0.9', 'val=0.2')
    assert code == 2
    assert 'add up to at most 1' in error
    code, _, error = command('convert', 'coco', source, out, '--split', '../x=0.5')
    assert code == 2
    assert 'a split is NAME=SHARE' in error


def test_empty_folder(any_format, made, tmp_path):
    with pytest.raises(FileNotFoundError, match=r'has no|has none|is missing'):
        convert(any_format, made(), tmp_path / 'out')
    with pytest.raises(FileNotFoundError, match='does not exist'):
        convert(any_format, tmp_path / 'nowhere', tmp_path / 'out')


def test_unknown_format(made, tmp_path):
    with pytest.raises(ValueError, match=r"no such format: 'vok'; did you mean voc\?"):
        convert('vok', made(), tmp_path / 'out')


def test_unknown_split(made, converted):
    with pytest.raises(ValueError, match=r"no usable image of split 'nope'|no such split"):
        converted('coco', made('coco'), read=ReadOptions(splits=['nope']))
    with pytest.raises(ValueError, match="no usable image of split 'nope'"):
        converted('voc', made('voc'), read=ReadOptions(splits=['nope']))


def test_output_inside_the_source_is_not_read_again(made, tmp_path, command):
    """OUT/images is a link to the source then: a loop."""
    source = made('voc')
    first = command('convert', 'voc', source, source / 'coco')
    second = command('convert', 'voc', source, source / 'coco')
    assert first[0] == second[0] == 0
    assert first[1] == second[1]


def test_folders_that_are_links_are_followed(made, tmp_path, converted):
    source = made('yolo')
    (source / 'train').rename(tmp_path / 'elsewhere')
    (source / 'train').symlink_to(tmp_path / 'elsewhere', target_is_directory=True)
    content, _ = converted('yolo', source)
    assert content['train']['images'][0]['file_name'] == 'train/images/a.jpg'
