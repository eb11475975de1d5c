"""An inspection of the tiny data set, at twice its size: figures worked out by hand; text and page."""

import base64
import json
import re
import shutil

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmdet_efpn.inspection import config_for_annotations, html_page, inspect_config, text_report
from mmdet_efpn.utils.errors import UserError

TEMPLATE_NAMES = ('classes', 'scale', 'smallest_anchor', 'detections_per_picture')


@pytest.fixture(scope='module')
def found(tiny_coco):
    """Boxes of 20x20 and 32x10 px in pictures of 128x128."""
    torch.manual_seed(0)
    cfg = config_for_annotations(tiny_coco / 'annotations.json', tiny_coco / 'images', (128, 128))
    return inspect_config(cfg, 'tiny.json')


def test_sizes_by_hand(found):
    facts = found.facts
    assert facts.factor == 2
    assert facts.original == (64, 64)
    assert facts.scale == (128, 128)
    assert sorted(facts.sizes.tolist()) == [[20, 20]] * 6 + [[32, 10]] * 6
    assert facts.sides == pytest.approx([20, np.sqrt(320)] * 6)
    assert facts.counts.tolist() == [2] * 6
    assert found.pictures == (6, 6)
    assert found.classes == ('square', 'bar')


def test_columns_by_hand(found):
    plain, extended = found.columns
    assert plain.strides == (4, 8, 16, 32, 64)
    assert extended.strides == (2, *plain.strides)
    assert plain.matching is extended.matching  # the RPN has the same levels in both
    # every box gets an anchor: the RPN takes the best one from an IoU of 0.3
    assert plain.matching.share() == 1
    # floor(log2(side / finest_scale)): all under 56 px are of the finest level
    assert set(plain.pooled) == {4}
    assert set(extended.pooled) == {2}
    assert found.facts.at_stride_two == 1


def test_best_ious_by_hand(found):
    # the anchor of 32x32 px of stride 4 holds a square of 20: at best 400 / 1024; the anchors of
    # ratio 0.5 are 45x23 px: 400 / 1024 again; for a bar of 32x10, 320 / 1024
    best = found.columns[0].matching.ious.max(1)
    assert best[0::2] == pytest.approx([400 / 1024] * 6, abs=0.01)
    assert best[1::2] == pytest.approx([320 / 1024] * 6, abs=0.02)
    assert found.columns[0].matching.middle_iou() == pytest.approx(np.median(best))


def test_text_has_all_parts(found):
    text = text_report(found)
    for part in (
        'The data',
        'Across an object',
        'Boxes with a positive anchor',
        'Where RoIs are pooled',
    ):
        assert part in text
    assert 'pictures           6 of 6 looked at' in text
    # median side 18.9 px
    assert re.search(r'^  4 +both +4\.7 +0% +0%$', text, re.MULTILINE)
    assert re.search(r'^  stride 2 +0\.0% +100\.0%$', text, re.MULTILINE)
    assert 'do not extend' in text


def test_lines_run_as_python(found):
    text = text_report(found)
    lines = [line.strip() for line in text.splitlines() if re.match(r' +\w+ = ', line)]
    values = {}
    exec('\n'.join(lines), {}, values)
    assert tuple(values) == TEMPLATE_NAMES
    assert values['classes'] == ('square', 'bar')
    assert values['scale'] == (128, 128)
    assert values['detections_per_picture'] == 100
    # of 20 and 18 px; 32 px are too large
    assert values['smallest_anchor'] in (16, 24)


def test_page_needs_nothing_else(found):
    page = html_page(found)
    plain = re.sub(r'base64,[\w+/=]+', '', page)
    assert not re.search(r'https?:|//\w|url\(|@import|<script|<link', plain)
    assert set(re.findall(r'(?:src|href)="([^"]{0,12})', page)) == {'data:image/s', 'data:image/j'}
    plots = re.findall(r'data:image/svg\+xml;base64,([\w+/=]+)', page)
    assert len(plots) == 5
    for plot in plots:
        svg = base64.b64decode(plot).decode()
        assert svg.rstrip().endswith('</svg>')
        assert not re.search(r'(?:href|src)="(?!#)', svg)
    (picture,) = re.findall(r'data:image/jpeg;base64,([\w+/=]+)', page)
    assert base64.b64decode(picture)[:2] == b'\xff\xd8'
    assert page.count('<section>') == 5
    assert html_page(found) == page


def test_names_are_text_not_markup(tiny_coco, tmp_path):
    content = json.loads((tiny_coco / 'annotations.json').read_text())
    content['categories'][0]['name'] = '<b>square</b>'
    (tmp_path / 'a.json').write_text(json.dumps(content))
    found = inspect_config(
        config_for_annotations(tmp_path / 'a.json'), '<i>.json', has_pictures=False, samples=2
    )
    assert found.pictures == (6, 2)
    page = html_page(found)
    assert '<b>' not in page
    assert '<i>' not in page
    assert '&lt;b&gt;square' in page
    assert 'No image folder was given' in page


def test_an_extended_config_has_its_own_column(tiny_config):
    cfg = Config.fromfile(tiny_config)
    found = inspect_config(cfg, 'mine.py')
    (column,) = found.columns
    assert column.name == 'extended'
    assert found.facts.extended
    assert found.facts.stride == 4
    # 10x10 and 16x5 px, all under 16
    assert found.advice[0].verdict == "keep P2'"
    assert 'extend mine.py' not in text_report(found)
    assert cfg.train_dataloader.dataset.type == 'CheckedCocoDataset'
    assert found.numbers['test_cfg.rpn.max_per_img'] == 100


def test_ignored_regions_and_disagreeing_numbers_are_warnings(tiny_coco, tiny_config, tmp_path):
    shutil.copytree(tiny_coco, tmp_path, dirs_exist_ok=True)
    content = json.loads((tiny_coco / 'annotations.json').read_text())
    content['annotations'][0]['iscrowd'] = 1
    (tmp_path / 'annotations.json').write_text(json.dumps(content))
    cfg = Config.fromfile(tiny_config)
    cfg.train_dataloader.dataset.data_root = str(tmp_path)
    cfg.model.test_cfg.rcnn.max_per_img = 300
    found = inspect_config(cfg, 'mine.py')
    assert found.ignored == 1
    assert found.facts.counts.tolist() == [1, 2, 2, 2, 2, 2]
    first, second = found.notes
    assert '1 ignored region ' in first
    assert 'max_per_img=300' in second
    assert first in html_page(found)


def test_one_stage_detectors_get_options_of_their_own(shipped, tiny_config):
    cfg = shipped('retinanet/retinanet_r50_fpn_1x_coco', light=True)
    cfg.train_dataloader = Config.fromfile(tiny_config).train_dataloader
    found = inspect_config(cfg, 'retina.py')
    plain, extended = (column.matching for column in found.columns)
    assert plain.strides == (8, 16, 32, 64, 128)
    assert extended.strides == (2, 4, *plain.strides)
    # the 32 px anchor of stride 8, beside those of 8 to 13 px of stride 2: 10x10 and 16x5 px
    assert plain.share(0.5) == 0
    assert extended.share(0.5, level=0) > 0.9
    assert found.facts.at_stride_two == extended.share(level=0)
    text = text_report(found)
    assert 'own_data' not in text
    assert 'model.bbox_head.anchor_generator.octave_base_scale=' in text


def test_a_detector_that_cannot_be_extended_says_why(shipped, tiny_config):
    cfg = shipped('yolo/yolov3_mobilenetv2_8xb24-320-300e_coco', light=True)
    mine = Config.fromfile(tiny_config)
    cfg.train_dataloader = mine.train_dataloader
    found = inspect_config(cfg, 'yolo.py')
    assert [column.name for column in found.columns] == ['plain']
    assert found.advice[0].verdict == 'not possible'
    assert text_report(found)
    assert html_page(found)


def test_mistakes_are_named(tmp_path, tiny_config):
    with pytest.raises(UserError, match=r'annotation file not found.*nothing\.json'):
        inspect_config(config_for_annotations(tmp_path / 'nothing.json'), 'nothing.json')
    (tmp_path / 'list.json').write_text('[]')
    with pytest.raises(UserError, match=r'list\.json cannot be read as a COCO annotation file'):
        config_for_annotations(tmp_path / 'list.json')
    cfg = Config.fromfile(tiny_config)
    cfg.train_dataloader = None
    with pytest.raises(UserError, match='has no model or no train_dataloader'):
        inspect_config(cfg, 'mine.py')
