"""Numbers of detections in the config, its metric and ``compare``; pictures of many objects."""

import json
import pickle

import pytest
import torch
from mmdet.evaluation import CocoMetric
from mmengine.config import Config

from mmdet_efpn.evaluation import numbers_of_detections, paired_bootstrap, read_annotated_set
from mmdet_efpn.evaluation.detection_numbers import kept_by, rules_of
from mmdet_efpn.utils.errors import UserError
from mmdet_efpn.utils.read_config import read_config


def config(kept, **evaluator):
    model = dict(test_cfg=dict(rcnn=dict(max_per_img=kept)))
    return dict(model=model, test_evaluator=dict(evaluator))


@pytest.mark.parametrize(
    ('kept', 'evaluator', 'counted', 'compared', 'agree'),
    [
        (100, dict(type='CocoMetric'), (100, 1000), 1000, True),
        (300, dict(type='CocoMetric'), (100, 1000), 1000, False),
        (100, dict(type='CocoMetric', proposal_nums=(1, 10, 500)), (0, 500), 500, False),
        (50, dict(type='SmallObjectMetric'), (100,), 100, True),
        (300, dict(type='SmallObjectMetric'), (100,), 100, False),
        (300, dict(type='SmallObjectMetric', max_dets=300), (300,), 300, True),
        (300, dict(type='SmallObjectMetric', preset='aitod'), (1500,), 1500, True),
        (300, dict(type='VOCMetric'), (300,), 300, True),
    ],
)
def test_agreement(kept, evaluator, counted, compared, agree):
    numbers = numbers_of_detections(config(kept, **evaluator))
    assert (numbers.counted, numbers.compared) == (counted, compared)
    warning = numbers.warning()
    assert (warning is None) == agree
    if warning:
        assert f'model.test_cfg.rcnn.max_per_img={kept}' in warning
        assert f'compare and errors count {compared}' in warning
        assert f'max_dets={kept}' in warning


def test_what_coco_metric_counts_is_what_we_say(tmp_path):
    """120 objects, all found: mAP stops at 100, the rest at proposal_nums' last; 1.0 in truth."""
    content, found = many(1, 120)
    path = tmp_path / 'truth.json'
    path.write_text(json.dumps(content))
    values = {}
    for nums in ((100, 300, 1000), (1, 10, 300)):
        metric = CocoMetric(ann_file=str(path), proposal_nums=nums)
        metric.dataset_meta = dict(classes=('a',))
        metric.process({}, [dict(entry, ori_shape=(640, 640)) for entry in found])
        values[nums] = metric.evaluate(1)
    assert values[100, 300, 1000]['coco/bbox_mAP'] == pytest.approx(84 / 101, abs=5e-4)
    assert values[100, 300, 1000]['coco/bbox_mAP_50'] == 1
    assert values[1, 10, 300]['coco/bbox_mAP'] == -1


def test_where_the_model_says_it():
    assert kept_by(dict(test_cfg=dict(max_per_img=7))) == ('model.test_cfg.max_per_img', 7)
    inner = dict(test_cfg=dict(rpn=dict(max_per_img=1000), rcnn=dict(max_per_img=9)))
    wrapped = kept_by(dict(detector=inner))
    assert wrapped == ('model.detector.test_cfg.rcnn.max_per_img', 9)
    assert kept_by(dict(test_cfg=None)) is None


def test_rules_of_the_own_metric_come_first():
    evaluators = [
        dict(type='CocoMetric'),
        dict(type='SmallObjectMetric', preset='soda', area_edges=[9]),
    ]
    rules = rules_of(dict(test_evaluator=evaluators))
    assert [size.key for size in rules.sizes] == ['0-9', '9+']
    assert rules.ap_max_det == 100


def many(images, objects):
    """Pictures full of small objects, and perfect predictions of them."""
    places = [(x * 32.0, y * 42.0) for x in range(20) for y in range(15)][:objects]
    content = dict(
        images=[dict(id=i, file_name=f'{i}.png', width=640, height=640) for i in range(1, images + 1)],
        categories=[dict(id=1, name='a')],
        annotations=[],
    )
    found = []
    for image in range(1, images + 1):
        for x, y in places:
            number = len(content['annotations']) + 1
            box = dict(id=number, image_id=image, category_id=1, bbox=[x, y, 16, 16])
            content['annotations'].append(dict(box, area=256, iscrowd=0))
        boxes = torch.tensor([(x, y, x + 16, y + 16) for x, y in places])
        scores = torch.linspace(1, 0.5, objects)
        predicted = dict(bboxes=boxes, scores=scores, labels=torch.zeros(objects).long())
        found.append(dict(img_id=image, pred_instances=predicted))
    return content, found


@pytest.fixture
def crowded(tmp_path):
    """Config of a test set of two pictures with 120 objects each, as a function of changes to it."""
    content, found = many(2, 120)
    (tmp_path / 'truth.json').write_text(json.dumps(content))
    (tmp_path / 'found.pkl').write_bytes(pickle.dumps(found))
    for part in (1, 2):
        here = dict(
            content,
            images=[e for e in content['images'] if e['id'] == part],
            annotations=[e for e in content['annotations'] if e['image_id'] == part],
        )
        (tmp_path / f'part{part}.json').write_text(json.dumps(here))

    def write(evaluator, parts=False):
        dataset = dict(
            type='CocoDataset',
            data_root=str(tmp_path),
            data_prefix=dict(img=''),
            test_mode=True,
            metainfo=dict(classes=('a',)),
            pipeline=[],
        )
        files = ('part1.json', 'part2.json') if parts else ('truth.json',)
        datasets = [dict(dataset, ann_file=file) for file in files]
        whole = dict(type='ConcatDataset', datasets=datasets) if parts else datasets[0]
        path = tmp_path / 'config.py'
        Config(
            dict(
                model=dict(test_cfg=dict(rcnn=dict(max_per_img=120))),
                test_dataloader=dict(dataset=whole),
                test_evaluator=evaluator,
            )
        ).dump(path)
        return path, tmp_path / 'found.pkl'

    return write


@pytest.mark.parametrize('evaluator', ['CocoMetric', 'SmallObjectMetric'])
def test_compare_counts_what_the_metric_counts(crowded, command, tmp_path, evaluator):
    options = dict(max_dets=120) if evaluator == 'SmallObjectMetric' else {}
    evaluator = dict(type=evaluator, ann_file=str(tmp_path / 'truth.json'), **options)
    path, found = crowded(evaluator)
    code, printed, warned = command('compare', path, found, found, '--draws', '2')
    assert code == 0
    assert '| AP | 1.000 | 1.000 |' in printed
    assert '| AP medium | no box | no box |' in printed
    assert ('disagree' in warned) == (evaluator['type'] == 'CocoMetric')


def test_a_metric_that_counts_fewer_is_named(crowded, command, tmp_path):
    path, found = crowded(
        dict(type='SmallObjectMetric', ann_file=str(tmp_path / 'truth.json'), max_dets=100)
    )
    code, printed, warned = command('compare', path, found, found, '--draws', '2')
    assert code == 0
    assert '| AP | 0.832 | 0.832 |' in printed  # recall 5/6: 84 of 101 recalls
    assert 'model.test_cfg.rcnn.max_per_img=120; test_evaluator.max_dets=100' in warned


def test_a_test_set_in_parts(crowded, command, tmp_path):
    path, found = crowded(dict(type='CocoMetric', ann_file=str(tmp_path / 'truth.json')), parts=True)
    code, printed, _ = command('compare', path, found, found, '--draws', '2')
    assert code == 0
    assert '2 images' in printed
    assert '| AP | 1.000 | 1.000 |' in printed
    path, found = crowded(dict(type='CocoMetric'), parts=True)
    code, _, error = command('compare', path, found, found)
    assert code == 2
    assert 'is a ConcatDataset without one annotation file: set test_evaluator.ann_file' in error


def test_other_classes_than_the_metrics_file_are_named(crowded, tmp_path):
    content, _ = many(2, 3)
    content['categories'][0]['name'] = 'car'
    (tmp_path / 'other.json').write_text(json.dumps(content))
    path, _ = crowded(dict(type='CocoMetric', ann_file=str(tmp_path / 'other.json')))
    with pytest.raises(UserError, match='has no category'):
        read_annotated_set(read_config(path))


def test_ignored_boxes_do_not_count_as_missed(crowded, tmp_path):
    path, found = crowded(dict(type='CocoMetric', ann_file=str(tmp_path / 'truth.json')))
    content = json.loads((tmp_path / 'truth.json').read_text())
    predictions = pickle.loads(found.read_bytes())
    for number, entry in enumerate(content['annotations']):
        entry['ignore'] = number % 2
    for prediction in predictions[:1]:  # half of the ignored are found all the same
        for name, values in prediction['pred_instances'].items():
            prediction['pred_instances'][name] = values[::2]
    (tmp_path / 'truth.json').write_text(json.dumps(content))
    found.write_bytes(pickle.dumps(predictions))
    (evaluation,) = paired_bootstrap.read_detectors(read_config(path), str(found))
    assert dict(zip(evaluation.names, evaluation.on([0, 1]), strict=True))['AP'] == pytest.approx(1)


def test_a_test_run_with_the_own_metric_warns(tiny_config, trained, tmp_path, run_tool):
    options = ['test_evaluator.type=SmallObjectMetric', '+test_evaluator.preset=aitod']
    options += ['+test_evaluator.max_dets=20', 'model.test_cfg.rcnn.max_per_img=40']
    words = [tiny_config, trained, '--work-dir', tmp_path / 'run', '--cfg-options', *options]
    done = run_tool('test.py', *words, cwd=tmp_path)  # a process of its own has a log of its own
    said = done.stdout + done.stderr
    assert 'model.test_cfg.rcnn.max_per_img=40; test_evaluator.max_dets=20' in said
    (log,) = (tmp_path / 'run').glob('*/*.log')
    text = log.read_text()
    assert 'aitod/bbox_mAP_vt: -1.0000' in text  # the bars are 16x5: no box is under 8x8
    assert 'very tiny (0 to 8 px)' in text
    assert 'no annotated box of the kind counts: mAP_vt' in text
