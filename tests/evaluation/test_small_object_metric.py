"""The presets against figures of the benchmarks' own programs, and by hand.

The figures in ``originals.json`` came from those programs, run on what ``make_boxes`` makes, in November
2026:

- aitod: aitodpycocotools of jwwangchn/cocoapi-aitod, commit 44a230a;
- soda: mmdet/datasets/sodad_eval/sodadeval.py of shaunyuan22/SODA-mmdetection, commit 51e4975;
- tinyperson: the cocoeval.py of ucas-vg/TinyBenchmark, commit 36436df, as evaluate_tiny.py calls it;
- visdrone: VisDrone/VisDrone2018-DET-toolkit, commit 0054457, in GNU Octave 7.3, surest first;
- tt100k: eval_annos of TT100K's anno_func.py, the copy in oyucube/traffic, commit 6f4bc38.
"""

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mmdet_efpn.evaluation import SmallObjectMetric, preset_of
from mmdet_efpn.evaluation.coco_engine import BoxEvaluation, detections_to_evaluate, truth_to_evaluate
from mmdet_efpn.utils.errors import UserError

ORIGINALS = json.loads((Path(__file__).parent / 'originals.json').read_text())
MADE = dict(
    aitod=dict(),
    soda=dict(),
    tinyperson=dict(ignored=0.3),
    visdrone=dict(regions=2, ignored=0.1),
    tt100k=dict(largest=200),
)


@pytest.mark.parametrize('whole', [False, True], ids=['random', 'ties'])
@pytest.mark.parametrize('preset', MADE)
def test_figures_are_those_of_the_original_program(preset, whole, made_boxes, figures_of):
    content, found = made_boxes(0, whole=whole, **MADE[preset])
    if preset == 'tinyperson':
        for entry in content['annotations'][3::11]:
            entry['uncertain'] = 1
    classes = [entry['name'] for entry in content['categories'] if entry['name'] != 'ignored regions']
    options = dict(olrp=True) if preset == 'aitod' else {}
    figures = figures_of(content, found, classes, preset=preset, **options)
    expected = ORIGINALS['ties' if whole else 'random'][preset]
    assert len(expected) > 6
    ours = {name: figures[f'{preset}/bbox_{name}'] for name in expected}
    assert ours == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize('most', [100, 300, 500, 1500])
def test_coco_with_any_number_of_detections(most, made_boxes, figures_of):
    content, found = made_boxes(1, images=2, objects=160, classes=1)
    figures = figures_of(content, found, max_dets=most)
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = content
        truth.createIndex()
        expected = COCOeval(truth, truth.loadRes(found), 'bbox')
        expected.params.maxDets = [1, 10, most]
        expected.evaluate()
        expected.accumulate()
        expected.summarize()
    names = ['mAP', 'mAP_50', 'mAP_75', 'mAP_s', 'mAP_m', 'mAP_l', 'AR@1', 'AR@10', f'AR@{most}']
    names += [f'AR_{size}@{most}' for size in 'sml']
    ours = [figures[f'coco/bbox_{name}'] for name in names]
    # COCO's summary reads AP at 100 detections, whatever maxDets says
    precision = expected.eval['precision'][..., 0, 2]
    np.testing.assert_allclose(ours[0], precision[precision > -1].mean(), atol=1e-9)
    np.testing.assert_allclose(ours[1:], expected.stats[1:], atol=1e-9)
    assert 0.1 < ours[0] < 0.9


def scene(*boxes, **options):
    """One picture of 100x100 with boxes ``(category, x, y, side, marks)``."""
    return dict(
        images=[dict(id=1, file_name='1.jpg', width=100, height=100)],
        categories=options.get('categories', [dict(id=1, name='a'), dict(id=2, name='b')]),
        annotations=[
            dict(
                id=n,
                image_id=1,
                category_id=c,
                bbox=[x, y, side, side],
                area=side**2,
                iscrowd=0,
                **marks,
            )
            for n, (c, x, y, side, marks) in enumerate(boxes)
        ],
    )


def detection(category, x, y, side, score):
    return dict(image_id=1, category_id=category, bbox=[x, y, side, side], score=score)


def test_ignored_boxes_are_regions_for_every_preset(figures_of):
    content = scene((1, 0, 0, 10, {}), (1, 40, 40, 30, dict(ignore=1)), (2, 80, 0, 9, {}))
    found = [detection(1, 0, 0, 10, 0.5), detection(2, 80, 0, 9, 0.9)]
    # two surer detections inside the region and one outside of it
    inside = [detection(1, 42, 42, 9, 0.9), detection(1, 55, 55, 9, 0.8)]
    outside = [detection(1, 80, 80, 9, 0.7)]
    for preset in ('coco', 'aitod', 'soda', 'visdrone', 'tinyperson', 'tt100k'):
        name = f'{preset}/bbox_mAP{"_50" if preset == "tinyperson" else ""}'
        assert figures_of(content, found, preset=preset)[name] == pytest.approx(1)
        assert figures_of(content, found + inside, preset=preset)[name] == pytest.approx(1)
        # precision 1/2 for class a, 1 for b
        assert figures_of(content, found + outside, preset=preset)[name] == pytest.approx(0.75)


def test_a_category_of_regions_counts_for_every_class(figures_of):
    categories = [dict(id=1, name='a'), dict(id=2, name='b'), dict(id=7, name='ignored regions')]
    boxes = [(1, 0, 0, 10, {}), (2, 80, 0, 9, {}), (7, 40, 40, 40, dict(ignore=1))]
    found = [detection(1, 0, 0, 10, 0.5), detection(2, 80, 0, 9, 0.5)]
    found += [detection(c, 45, 45, 9, 0.9) for c in (1, 2)]
    for preset in ('coco', 'visdrone'):
        figures = figures_of(scene(*boxes, categories=categories), found, ['a', 'b'], preset=preset)
        assert figures[f'{preset}/bbox_mAP'] == pytest.approx(1)
    assert figures['visdrone/bbox_toolkit_AP'] == pytest.approx(1)
    # a category with an annotation that counts is a class that is not measured, and no region of others
    boxes.append((7, 20, 60, 9, {}))
    figures = figures_of(scene(*boxes, categories=categories), found, ['a', 'b'])
    assert figures['coco/bbox_mAP'] == pytest.approx(0.5)


def test_visdrones_others_are_no_region_for_the_toolkit(figures_of):
    categories = [dict(id=1, name='a'), dict(id=11, name='others')]
    content = scene((1, 0, 0, 10, {}), (11, 40, 40, 20, dict(ignore=1)), categories=categories)
    found = [detection(1, 0, 0, 10, 0.5), detection(1, 40, 40, 20, 0.9)]
    figures = figures_of(content, found, ['a'], preset='visdrone')
    assert figures['visdrone/bbox_toolkit_AP'] == pytest.approx(0.5)
    assert figures['visdrone/bbox_mAP'] == pytest.approx(1)


def test_own_edges_by_hand(figures_of):
    # one object a size; found are those of 6 and of 50 px
    sides = (6, 12, 20, 40, 70)
    boxes = [
        (1, x, y, side, {})
        for side, (x, y) in zip(sides, ((0, 0), (10, 0), (0, 20), (0, 50), (30, 25)), strict=True)
    ]
    found = [detection(1, 0, 0, 6, 0.9), detection(1, 30, 25, 70, 0.8)]
    figures = figures_of(scene(*boxes), found, area_edges=[8, 16, 32, 64], prefix='own')
    by_size = {
        size: figures[f'own/bbox_mAP_{size}'] for size in ('0-8', '8-16', '16-32', '32-64', '64+')
    }
    assert by_size == pytest.approx({'0-8': 1, '8-16': 0, '16-32': 0, '32-64': 0, '64+': 1})
    # recall 2/5 at precision 1: 41 of 101 recalls
    assert figures['own/bbox_mAP'] == pytest.approx(41 / 101)


def test_nothing_detected_and_sizes_without_a_box(figures_of):
    figures = figures_of(scene((1, 0, 0, 10, {})), [], preset='aitod', olrp=True, classwise=True)
    assert figures['aitod/bbox_mAP'] == figures['aitod/bbox_mAP_t'] == 0
    assert figures['aitod/bbox_mAP_vt'] == -1
    assert figures['aitod/bbox_oLRP'] == figures['aitod/bbox_oLRP_FN'] == 1
    assert figures['aitod/bbox_oLRP_loc'] == -1
    assert figures['aitod/a_precision'] == 0
    assert figures['aitod/b_precision'] == -1


def test_classes_have_their_own_figures_in_any_order_of_the_file(figures_of):
    categories = [dict(id=9, name='b'), dict(id=4, name='a')]
    content = scene((4, 0, 0, 10, {}), (9, 50, 0, 10, {}), categories=categories)
    figures = figures_of(content, [detection(9, 50, 0, 10, 0.9)], classwise=True)
    assert figures['coco/a_precision'] == 0
    assert figures['coco/b_precision'] == pytest.approx(1)


def test_minus_one_is_said_in_words():
    from mmdet_efpn.evaluation.figure_tables import class_table, figure_table

    rules = preset_of('aitod')
    truth = truth_to_evaluate(_as_coco(scene((1, 0, 0, 10, {}))), [1, 2])
    evaluation = BoxEvaluation(truth, detections_to_evaluate(truth, []), [1, 2], [1], rules).run()
    text = figure_table(rules, {figure.name: evaluation.value(figure) for figure in rules.figures})
    assert 'no annotated box of the kind counts: mAP_vt, mAP_s, mAP_m, AR_vt@1500' in text
    assert 'very tiny (0 to 8 px)' in text
    text, values = class_table(evaluation, {1: 'a', 2: 'b'})
    assert values == dict(a_precision=0, b_precision=-1)
    assert 'no annotated box of the kind counts: b' in text


def _as_coco(content):
    truth = COCO()
    truth.dataset = content
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
    return truth


def test_an_annotation_with_id_0_is_found(figures_of):
    content = scene((1, 0, 0, 10, {}))
    assert content['annotations'][0]['id'] == 0
    found = [detection(1, 0, 0, 10, 0.5)]
    assert figures_of(content, found)['coco/bbox_mAP'] == pytest.approx(1)


def test_annotations_of_the_data_set_in_the_place_of_a_file():
    import torch

    metric = SmallObjectMetric()
    metric.dataset_meta = dict(classes=('a',))
    instances = [dict(bbox=[0, 0, 10, 10], bbox_label=0, ignore_flag=0)]
    instances += [dict(bbox=[40, 40, 60, 60], bbox_label=0, ignore_flag=1)]
    boxes = torch.tensor([[0.0, 0, 10, 10], [42, 42, 50, 50]])
    predicted = dict(bboxes=boxes, scores=torch.tensor([0.4, 0.9]), labels=torch.zeros(2).long())
    sample = dict(img_id=1, ori_shape=(100, 100), instances=instances, pred_instances=predicted)
    metric.process({}, [sample])
    assert metric.evaluate(1)['coco/bbox_mAP'] == pytest.approx(1)


def test_written_detections(figures_of, tmp_path):
    content, prefix = scene((1, 0, 0, 10, {})), str(tmp_path / 'out')
    found = [detection(1, 0, 0, 10, 0.5)]
    assert figures_of(content, found, format_only=True, outfile_prefix=prefix) == {}
    (written,) = json.loads(Path(f'{prefix}.bbox.json').read_text())
    assert written == dict(image_id=1, bbox=[0, 0, 10, 10], score=0.5, category_id=1)
    figures = figures_of(content, found, metric_items=['mAP_50'])
    assert figures == {'coco/bbox_mAP_50': pytest.approx(1)}


def test_tt100k_score_threshold_is_the_one_with_the_best_f1(figures_of):
    # 3 objects, all found; surer than 0.5 are two of them and no false one
    content = scene(*((1, 30 * n, 0, 10, {}) for n in range(3)))
    found = [detection(1, 0, 0, 10, 0.9), detection(1, 30, 0, 10, 0.6), detection(1, 60, 0, 10, 0.2)]
    found += [detection(1, 20 * n, 60, 9, 0.3) for n in range(4)]
    figures = figures_of(content, found, preset='tt100k')
    # F1 from 0.35 to 0.6: 2 * 2 / (3 + 2); at 0.05: 2 * 3 / (3 + 7); from 0.65: 2 / 4
    assert figures['tt100k/bbox_score_thr'] == 0.35
    assert figures['tt100k/bbox_all_F1'] == pytest.approx(0.8)
    assert figures['tt100k/bbox_small_precision'] == 1
    assert figures['tt100k/bbox_small_recall'] == pytest.approx(2 / 3)
    assert figures['tt100k/bbox_large_recall'] == -1
    figures = figures_of(content, found, preset='tt100k', score_thr=0.05)
    assert figures['tt100k/bbox_all_precision'] == pytest.approx(3 / 7)


@pytest.mark.parametrize(
    ('options', 'said'),
    [
        (dict(preset='aitodd'), "did you mean 'aitod'"),
        (dict(area_edges=[16, 8]), r'area_edges=\[16, 8\]: expected ascending'),
        (dict(area_edges=32), 'area_edges=32: expected a list'),
        (dict(max_dets=0), r'max_dets=\[0\]'),
        (dict(iou_thrs=[0.5, 1.5]), 'none above 1'),
        (dict(proposal_nums=(100, 300, 1000)), 'takes no proposal_nums, but max_dets'),
        (dict(metric='segm'), 'measures boxes'),
        (dict(score_thr=0.5), 'only the preset tt100k'),
        (dict(max_det=5), "did you mean 'max_dets'"),
    ],
)
def test_mistakes_are_named(options, said):
    with pytest.raises(UserError, match=said):
        SmallObjectMetric(**options)


def test_a_figure_that_is_not_there_is_named(figures_of):
    with pytest.raises(UserError, match=r"metric_items\.mAP_tiny: .* did you mean 'mAP_"):
        figures_of(scene((1, 0, 0, 10, {})), [], metric_items=['mAP_tiny'])


def test_annotations_of_another_set_are_named(figures_of):
    content = scene((1, 0, 0, 10, {}))
    with pytest.raises(UserError, match=r"has no category \['c'\]"):
        figures_of(content, [], ['a', 'b', 'c'])
    truth = truth_to_evaluate(_as_coco(content), [1, 2])
    with pytest.raises(UserError, match='1 images that the annotations do not have, such as 5'):
        detections_to_evaluate(truth, [dict(detection(1, 0, 0, 10, 0.5), image_id=5)])
