"""Boards written as VOC and as YOLO, and read back: the same JSON."""

import os
import random
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mmdet_efpn.datasets.class_names import DEEPPCB_CLASSES
from mmdet_efpn.datasets.converters import ConvertOptions, ReadOptions, convert

NUM_BOARDS = 50
ANY = settings(deadline=None, max_examples=30, derandomize=True, database=None)


def make_boards(root, make_picture, write_file):
    """DeepPCB's layout with made boards."""
    random.seed(0)
    for number in range(NUM_BOARDS):
        name = f'group1/1/{number:05d}'
        make_picture(root / f'{name}_test.jpg', (640, 640))
        lines = []
        for _ in range(random.randint(0, 12)):
            x, y = random.randint(0, 630), random.randint(0, 630)
            x2, y2 = random.randint(x + 1, 640), random.randint(y + 1, 640)
            lines.append(f'{x} {y} {x2} {y2} {random.randint(1, 6)}')
        write_file(root / f'group1/1_not/{number:05d}.txt', '\n'.join(lines))
        with (root / 'val.txt').open('a') as file:
            file.write(f'{name}.jpg group1/1_not/{number:05d}.txt\n')


@pytest.fixture(params=['made', 'real'])
def boards(request, tmp_path, make_picture, write_file):
    """Fifty boards in COCO format: the JSON and the folder of the pictures."""
    if request.param == 'made':
        root = tmp_path / 'boards'
        root.mkdir()
        make_boards(root, make_picture, write_file)
    elif 'DEEPPCB' in os.environ:
        root = Path(os.environ['DEEPPCB'])
    else:
        pytest.skip('the environment variable DEEPPCB names no folder of DeepPCB')
    content = convert('deeppcb', root, tmp_path / 'coco', read_split('val'))['val']
    del content.images[NUM_BOARDS:]
    last = content.images[-1]['id']
    content.annotations = [entry for entry in content.annotations if entry['image_id'] <= last]
    assert len(content.images) == NUM_BOARDS
    assert len(content.annotations) > 100
    return content, root


def read_split(split):
    return ConvertOptions(ReadOptions(splits=[split]))


def boxes_by_image(content):
    names = {number: name for name, number in content.category_ids.items()}
    boxes = {image['id']: [] for image in content.images}
    for entry in content.annotations:
        boxes[entry['image_id']].append((names[entry['category_id']], entry['bbox']))
    return [(image, boxes[image['id']]) for image in content.images]


def write_voc(content, pictures, root, write_file, voc_text):
    """A VOC copy; the pictures are links."""
    (root / 'JPEGImages').mkdir(parents=True)
    lines = []
    for image, boxes in boxes_by_image(content):
        path = Path(image['file_name'])
        (root / 'JPEGImages' / path.name).symlink_to((pictures / path).resolve())
        objects = [(name, 0, x, y, x + w, y + h) for name, (x, y, w, h) in boxes]
        size = image['width'], image['height']
        write_file(root / f'Annotations/{path.stem}.xml', voc_text(path.name, objects, size))
        lines.append(path.stem)
    write_file(root / 'ImageSets/Main/val.txt', '\n'.join(lines))


def write_yolo(content, pictures, root, write_file):
    """A YOLO copy with six decimals; a picture without boxes has no label file."""
    names = []
    for image, boxes in boxes_by_image(content):
        path = Path(image['file_name'])
        (root / 'images').mkdir(parents=True, exist_ok=True)
        (root / 'images' / path.name).symlink_to((pictures / path).resolve())
        width, height = image['width'], image['height']
        lines = [
            f'{DEEPPCB_CLASSES.index(name)} {(x + w / 2) / width:.6f} {(y + h / 2) / height:.6f} '
            f'{w / width:.6f} {h / height:.6f}'
            for name, (x, y, w, h) in boxes
        ]
        if lines:
            write_file(root / f'labels/{path.stem}.txt', '\n'.join(lines))
        names.append(f'images/{path.name}')
    write_file(root / 'val.txt', '\n'.join(names))
    write_file(root / 'data.yaml', yaml.safe_dump(dict(names=list(DEEPPCB_CLASSES), val='val.txt')))


def same_but_for_folders(text, content):
    """The JSON that must come out: pictures lie elsewhere, all else is the same."""
    for image in content.images:
        name = image['file_name']
        text = text.replace(f'JPEGImages/{Path(name).name}', name)
        text = text.replace(f'images/{Path(name).name}', name)
    return text == content.text()


def test_voc_copy_gives_the_same_json(boards, tmp_path, write_file, voc_text):
    content, pictures = boards
    write_voc(content, pictures, tmp_path / 'voc', write_file, voc_text)
    options = ConvertOptions(ReadOptions(classes=DEEPPCB_CLASSES), strict=True)
    back = convert('voc', tmp_path / 'voc', tmp_path / 'out', options)
    assert set(back) == {'val'}
    assert same_but_for_folders((tmp_path / 'out/annotations/val.json').read_text(), content)


def test_yolo_copy_gives_the_same_json(boards, tmp_path, write_file):
    content, pictures = boards
    write_yolo(content, pictures, tmp_path / 'yolo', write_file)
    convert('yolo', tmp_path / 'yolo', tmp_path / 'out', ConvertOptions(strict=True))
    assert same_but_for_folders((tmp_path / 'out/annotations/val.json').read_text(), content)


@st.composite
def picture_and_boxes(draw):
    width, height = draw(st.integers(1, 6000)), draw(st.integers(1, 6000))
    boxes = []
    for _ in range(draw(st.integers(0, 4))):
        x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
        boxes.append((x, y, draw(st.integers(x + 1, width)), draw(st.integers(y + 1, height))))
    return (width, height), list(dict.fromkeys(boxes))


@pytest.fixture(scope='module')
def place(tmp_path_factory):
    """Function that gives a new folder, for examples of hypothesis."""
    return lambda: tmp_path_factory.mktemp('round')


@ANY
@given(picture_and_boxes())
def test_any_boxes_come_back_from_voc_and_yolo(place, make_picture, voc_text, example):
    size, boxes = example
    root = place()
    make_picture(root / 'images/a.png', size)
    (root / 'labels').mkdir()
    lines = [
        f'0 {(x1 + x2) / 2 / size[0]:.7f} {(y1 + y2) / 2 / size[1]:.7f} '
        f'{(x2 - x1) / size[0]:.7f} {(y2 - y1) / size[1]:.7f}'
        for x1, y1, x2, y2 in boxes
    ]
    (root / 'labels/a.txt').write_text('\n'.join(lines))
    (root / 'data.yaml').write_text('names: [dog]\ntrain: images\n')
    objects = [('dog', 0, *box) for box in boxes]
    (root / 'labels/a.xml').write_text(voc_text('a.png', objects, size))
    for name in ('yolo', 'voc'):
        options = ConvertOptions(ReadOptions(classes=['dog']), strict=True, images='none')
        (writer,) = convert(name, root, root / name, options).values()
        found = [(x, y, x + w, y + h) for x, y, w, h in (a['bbox'] for a in writer.annotations)]
        assert found == boxes
        assert (writer.images[0]['width'], writer.images[0]['height']) == size
