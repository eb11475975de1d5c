"""Three ways through huge scenes: the mosaic, AP of one scene, the whole command in small."""

import importlib.util
import json
import queue

import cv2
import numpy as np
import pytest

from benchmarks.common.mosaic import make_mosaic
from benchmarks.huge_scenes import WAYS, average_precision, main, measure, parse_args, table
from mmdet_efpn.inference import Found
from mmdet_efpn.utils.errors import UserError


def test_frames_lie_where_their_boxes_are(tiny_coco, tmp_path):
    path, truth = make_mosaic(
        str(tiny_coco / 'annotations.json'), str(tiny_coco / 'images'), 150, tmp_path
    )
    scene = cv2.imread(str(path))
    assert scene.shape == (150, 150, 3)
    assert len(truth['annotations']) == 2 * 4  # two by two frames of 64 pixels
    for entry in truth['annotations']:
        x, y, width, height = entry['bbox']
        inside = scene[y : y + height, x : x + width]
        assert (inside == (255 if entry['category_id'] == 1 else 0)).mean() > 0.6
    with pytest.raises(UserError, match='no frame with boxes fits into 10 pixels'):
        make_mosaic(str(tiny_coco / 'annotations.json'), str(tiny_coco / 'images'), 10, tmp_path)


def test_ap_of_one_scene():
    """Two objects, the surer detection right, the other wrong: precision is 1 up to recall 0.5."""
    box = dict(image_id=1, category_id=7, iscrowd=0, area=100)
    truth = dict(
        images=[dict(id=1, width=100, height=100)],
        categories=[dict(id=7, name='square')],
        annotations=[dict(box, id=1, bbox=[0, 0, 10, 10]), dict(box, id=2, bbox=[50, 50, 10, 10])],
    )
    boxes = np.array([[0, 0, 10, 10], [80, 80, 90, 90.0]])
    found = Found(boxes, np.array([0.9, 0.8]), np.array([0, 0]))
    for size in ('all', 'small'):
        assert average_precision(found, ['square'], truth, size) == pytest.approx(51 / 101)
    assert average_precision(found, ['other'], truth, 'all') == 0


@pytest.mark.parametrize('way', WAYS)
def test_each_way_finds_something(way, tiny_config, trained, tiny_coco, tmp_path):
    if way == WAYS[2]:
        pytest.importorskip('sahi')
    path, _ = make_mosaic(str(tiny_coco / 'annotations.json'), str(tiny_coco / 'images'), 130, tmp_path)
    pair = f'{tiny_config}={trained}'
    words = ['--extended', pair, '--plain', pair, '--scenes', str(tmp_path), '--device', 'cpu']
    args = parse_args([*words, '--tile', '80', '--overlap', '16', '--threads', '1'])
    answers = queue.Queue()
    measure(way, args, [str(path)], answers)
    answer = answers.get()
    assert answer['seconds'][0] > 0
    assert answer['memory'] > 1e8
    assert answer['classes'] == ('square', 'bar')
    assert len(answer['found'][0].scores) > 50
    assert answer['found'][0].bboxes.max() > 100


@pytest.mark.slow
def test_the_whole_command(tiny_config, trained, tiny_coco, tmp_path, capsys):
    pair = f'{tiny_config}={trained}'
    words = ['--extended', pair, '--plain', pair, '--frames', tiny_coco / 'annotations.json']
    words += [tiny_coco / 'images', '--scenes', tiny_coco / 'images', '--tiny', '--device', 'cpu']
    main([*map(str, words), '--json', str(tmp_path / 'figures.json')])
    rows = json.loads((tmp_path / 'figures.json').read_text())
    assert [row['way'] for row in rows] == list(WAYS)
    for row in rows[: 3 if importlib.util.find_spec('sahi') else 2]:
        assert len(row['seconds']) == 2
        assert row['memory'] > 1e8
        assert row['objects'][0] > 0
        assert 0 <= row['ap_small'] <= 1
    said = capsys.readouterr().out
    assert said.splitlines()[:5] == table(rows, ['mosaic_400', '0']).splitlines()
    if not importlib.util.find_spec('sahi'):
        assert 'needs the package sahi' in rows[2]['error']
