"""The page of a run: its numbers are those of the log and of pycocotools, and nothing is loaded."""

import json
import re
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mmdet_efpn.engine import ROI_SHARE
from mmdet_efpn.evaluation import errors, evaluate_predictions, read_annotated_set, read_predictions
from mmdet_efpn.reports import curves_of, read_run, report_on_run
from mmdet_efpn.reports.results import precision_at
from mmdet_efpn.utils.errors import MissingFileError, UserError

PARTS = [
    'Config, and what it extends',
    'Curves',
    'AP by size and class',
    'Precision-recall',
    'Errors by kind',
    'The worst pictures',
    'Speed and memory',
]


@pytest.fixture(scope='module')
def page(tiny_run, found):
    return report_on_run(tiny_run, found, score_thr=0.0).page


@pytest.fixture(scope='module')
def judged(tiny_run, found):
    (predictions,) = read_predictions(found)
    return read_annotated_set(read_run(tiny_run).config), predictions


@pytest.fixture(scope='module')
def coco(tiny_coco, found, tmp_path_factory):
    """pycocotools' own evaluation of the same boxes, from the two files."""
    truth = COCO(str(tiny_coco / 'annotations.json'))
    boxes = []
    for entry in json.loads(found.read_text()):
        boxes += [
            dict(
                image_id=entry['img_id'],
                category_id=label + 1,
                score=score,
                bbox=[x1, y1, x2 - x1, y2 - y1],
            )
            for (x1, y1, x2, y2), score, label in zip(
                entry['pred_instances']['bboxes'],
                entry['pred_instances']['scores'],
                entry['pred_instances']['labels'],
                strict=True,
            )
        ]
    evaluation = COCOeval(truth, truth.loadRes(boxes), 'bbox')
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return evaluation


def cells(page, title):
    """The table under a title, as rows of text."""
    section = re.search(rf'<h3>{title}</h3>.*?</table>', page, re.DOTALL)[0]
    rows = re.findall(r'<tr>(.*?)</tr>', section, re.DOTALL)
    return [[unescape(cell) for cell in re.findall(r'<t[hd]>(.*?)</t[hd]>', row)] for row in rows]


def test_all_parts_are_there_in_order(page):
    assert re.findall(r'<h2>(.*?)</h2>', page) == PARTS
    assert 'class="warning"' not in page


def test_nothing_is_loaded_from_elsewhere(page):
    addresses, scripts = [], []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            assert tag not in ('link', 'iframe', 'object', 'embed', 'base', 'form')
            addresses.extend(text for name, text in attrs if name in ('src', 'srcset', 'href', 'style'))
            if tag == 'script':
                scripts.append(dict(attrs))

    Reader().feed(page)
    assert len(addresses) > 10
    assert all(address.startswith('data:image/') for address in addresses)
    assert scripts == [dict(type='application/json', id='curves')]
    style = re.search(r'<style>.*?</style>', page, re.DOTALL)[0]
    assert not re.search(r'@import|url\(', style)


def test_curves_are_the_log(page, tiny_run):
    (log,) = tiny_run.glob('*/vis_data/scalars.json')
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    shown = re.search(r'<script type="application/json" id="curves">(.*?)</script>', page, re.DOTALL)[1]
    curves = {curve['name']: curve for curve in json.loads(shown)}
    for name in ('loss', 'loss_rpn_cls', 'loss_rpn_bbox', 'loss_cls', 'loss_bbox', 'lr', ROI_SHARE):
        logged = {line['step']: line[name] for line in lines if name in line}
        assert logged.keys() == {1, 2, 3, 4}
        assert dict(zip(curves[name]['steps'], curves[name]['values'], strict=True)) == logged
    ap = [line['coco/bbox_mAP'] for line in lines if 'coco/bbox_mAP' in line]
    assert (curves['coco/bbox_mAP']['steps'], curves['coco/bbox_mAP']['values']) == ([2, 4], ap)
    assert 'coco/bbox_mAP_l' not in curves  # -1: no box is large
    assert 'acc' not in curves


def test_ap_is_that_of_pycocotools(page, coco):
    shown = dict(row[:2] for row in cells(page, 'All classes, by size')[1:])
    names = ['AP', 'AP50', 'AP75', 'AP small', 'AP medium', 'AP large', 'AR@1', 'AR@10']
    names += ['AR@1000', 'AR_s@1000', 'AR_m@1000', 'AR_l@1000']  # CocoMetric's number; 5 are found
    assert coco.stats[8] > 0  # some object is found
    assert shown.keys() == set(names) - {'AR@1', 'AR@10'}
    for name, value in zip(names, coco.stats, strict=True):
        if name in shown:
            assert shown[name] == ('no box' if value == -1 else f'{value:.3f}')


def test_ap_by_class_is_that_of_pycocotools(page, coco):
    rows = cells(page, 'By class')
    assert rows[0][:5] == ['class', 'objects', 'AP', 'AP50', 'AP75']
    for place, row in enumerate(rows[1:]):
        table = coco.eval['precision'][:, :, place, 0, 2]
        assert row[:2] == [('square', 'bar')[place], '6']
        assert row[2:5] == [f'{part.mean():.3f}' for part in (table, table[0], table[5])]


def test_precision_recall_is_that_of_pycocotools(judged, coco):
    evaluation = evaluate_predictions(*judged)
    table = coco.eval['precision']  # IoUs, recalls, classes, sizes, numbers of detections
    np.testing.assert_array_equal(precision_at(evaluation, 0), table[0, :, :, 0, 2].mean(axis=1))
    np.testing.assert_array_equal(precision_at(evaluation, 5, kinds=[1]), table[5, :, 1, 0, 2])
    assert precision_at(evaluation, 0, size=3) is None  # no box is large


def test_errors_are_those_of_the_errors_command(page, judged):
    counts = errors.count_errors(*judged, 0.0).counts()
    last = cells(page, 'Errors by kind')[-1]
    assert last == ['all', *map(str, counts['all'].values())]
    assert counts['all']['objects'] == 12


def test_the_worst_pictures_are_pictures(tiny_run, found, page):
    part = page.split('<h2>The worst pictures</h2>')[1].split('<h2>')[0]
    assert part.count('data:image/jpeg;base64,') == 6
    one = report_on_run(tiny_run, found, num=1, score_thr=0.0).page
    assert one.count('data:image/jpeg;base64,') == 1


def test_the_config_and_what_it_extends(page, tiny_run, tiny_config):
    run, model = (dict(cells(page, f'The {name}')) for name in ('run', 'model'))
    assert run['stands on'] == str(tiny_config)
    assert 'train' in run['command']
    assert (model['neck'].split(',')[0], model['it extends']) == ('EFPN', 'FPN')
    assert model['RoIs pooled from strides'] == '[2, 4, 8, 16, 32]'
    assert 'hidden_channels 16' in model['FTT']


def test_speed_is_that_of_the_log(page, tiny_run):
    times = [entry['time'] for entry in read_run(tiny_run).training]
    said = dict(cells(page, 'Training'))
    assert said['GPU memory'].endswith('MiB at most') or 'no GPU' in said['GPU memory']
    number, unit = said['an iteration'].split(' (')[0].split()
    assert float(number) / (1000 if unit == 'ms' else 1) == pytest.approx(np.median(times), rel=0.01)


def test_what_is_missing_is_named(tiny_run, found, tmp_path):
    report = report_on_run(tiny_run)
    assert re.findall(r'<h2>(.*?)</h2>', report.page) == PARTS
    (missing,) = report.missing
    assert 'mmdet-efpn test' in missing
    assert report.page.count('class="warning"') == 4  # in each part that it concerns
    assert 'coco/bbox_mAP' in report.page  # as logged
    bare = tmp_path / 'bare'
    bare.mkdir()
    (bare / 'config.py').write_text((tiny_run / 'validated.py').read_text())
    report = report_on_run(bare, found)
    text = ' '.join(report.missing)
    assert 'a log' in text
    assert 'a checkpoint' in text
    assert 'No curves' in report.page
    assert 'No times of training' in report.page
    moved = report_on_run(bare, found, cfg_options=['test_evaluator.ann_file=elsewhere.json'])
    assert 'elsewhere.json' in moved.missing[-1]


def test_a_killed_run_has_a_page(tiny_run, tmp_path):
    log = tmp_path / '20260101_000000' / 'vis_data' / 'scalars.json'
    log.parent.mkdir(parents=True)
    log.write_text('{"lr": 0.1, "loss": 2.0, "time": 1.0, "step": 1}\n{"lr": 0.1, "lo')
    (tmp_path / 'iter_1.pth').write_bytes(b'PK')
    report = report_on_run(tmp_path)
    assert 'No config' in report.page
    assert any('iter_1.pth' in text for text in report.missing)
    (curve,) = (curve for curve in curves_of(read_run(tmp_path)) if curve.kind == 'loss')
    assert (curve.steps, curve.values) == ([1], [2.0])


def test_epochs_and_resumed_steps(tmp_path):
    for name, loss in (('20260101_000000', 3.0), ('20260102_000000', 2.0)):
        log = tmp_path / name / 'vis_data' / 'scalars.json'
        log.parent.mkdir(parents=True)
        lines = [dict(lr=0.1, loss=loss, epoch=1, step=50), {'coco/bbox_mAP': loss / 10, 'step': 1}]
        log.write_text('\n'.join(map(json.dumps, lines)))
    run = read_run(tmp_path)
    assert run.by_epoch
    curves = {curve.name: curve for curve in curves_of(run)}
    assert curves['loss'].values == [2.0]  # the later log's
    assert curves['coco/bbox_mAP'].steps == [1]
    assert 'last validation' in report_on_run(tmp_path).page
    assert 'at epoch 1' in report_on_run(tmp_path).page


def test_mistakes(tiny_run, tmp_path, found):
    with pytest.raises(MissingFileError, match='is no folder'):
        report_on_run(tmp_path / 'nowhere')
    with pytest.raises(UserError, match='is no run'):
        report_on_run(tmp_path)
    with pytest.raises(UserError, match=r'one of the runs below it: .*run'):
        report_on_run(tiny_run.parent.parent)
    few = tmp_path / 'few.json'
    few.write_text(json.dumps(json.loads(found.read_text())[:2]))
    with pytest.raises(UserError, match='not the same ones'):
        report_on_run(tiny_run, few)
