"""Errors by kind against TIDE's own package, and by hand.

The counts in ``TIDE`` came from tidecv 1.0.1, its area qualifiers for the sizes, in November 2026.
"""

import contextlib
import io
import pickle

import cv2
import numpy as np
import pytest
import torch
from pycocotools.coco import COCO

from mmdet_efpn.evaluation import AnnotatedSet, preset_of
from mmdet_efpn.evaluation.errors import KINDS, count_errors, errors_of_image
from mmdet_efpn.evaluation.errors.pictures import COLOURS, error_picture
from mmdet_efpn.evaluation.errors.report import size_bins

ORDER = ('wrong class', 'poor location', 'both', 'duplicate', 'background', 'missed')
TIDE = dict(
    small=(12, 17, 8, 20, 47, 10),
    medium=(7, 19, 5, 10, 15, 8),
    large=(3, 10, 2, 3, 1, 0),
    all=(22, 46, 15, 33, 63, 18),
)


def predictions_of(content, found):
    """Detections in COCO's form as ``test --out`` writes them."""
    labels = {entry['id']: place for place, entry in enumerate(content['categories'])}
    predictions = []
    for image in content['images']:
        mine = [entry for entry in found if entry['image_id'] == image['id']]
        boxes = torch.tensor([e['bbox'] for e in mine], dtype=torch.float64).reshape(-1, 4)
        boxes = torch.cat([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], dim=1)
        predictions.append(
            dict(
                img_id=image['id'],
                pred_instances=dict(
                    bboxes=boxes,
                    scores=torch.tensor([e['score'] for e in mine]),
                    labels=torch.tensor([labels[e['category_id']] for e in mine]),
                ),
            )
        )
    return predictions


def annotated(content, preset='coco', **options):
    truth = COCO()
    truth.dataset = content
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
    classes = {entry['id']: entry['name'] for entry in content['categories']}
    return AnnotatedSet(truth, list(classes), tuple(classes.values()), preset_of(preset, **options))


def test_counts_are_those_of_tide(made_boxes):
    content, found = made_boxes(3, largest=150)
    counts = count_errors(annotated(content), predictions_of(content, found), score_thr=0).counts()
    assert {size: tuple(row[kind] for kind in ORDER) for size, row in counts.items()} == TIDE
    assert counts['all']['objects'] == len(content['annotations'])


def box(category, x, y, side, score=1.0, **marks):
    return dict(category_id=category, bbox=[x, y, side, side], area=side**2, score=score, **marks)


def objects(*entries):
    return [dict(entry, iscrowd=entry.get('iscrowd', 0)) for entry in entries]


def test_each_kind_by_hand():
    truth = objects(
        box(1, 0, 0, 10), box(1, 100, 0, 10), box(1, 200, 0, 10), box(1, 300, 0, 10), box(1, 400, 0, 50)
    )
    found = [
        box(1, 0, 0, 10, 0.9),  # right
        box(1, 1, 0, 10, 0.8),  # the same once more
        box(1, 105, 0, 10, 0.7),  # IoU 1/3 with the second
        box(2, 200, 0, 10, 0.6),  # the third, as another class
        box(2, 305, 0, 10, 0.5),  # IoU 1/3 with the fourth, as another class
        box(1, 0, 300, 10, 0.4),  # nothing there
    ]
    errors = errors_of_image(7, truth, found, most=100)
    assert errors.kinds == [
        'right',
        'duplicate',
        'poor location',
        'wrong class',
        'both',
        'background',
    ]
    assert errors.found.tolist() == [True, False, False, False, False]
    assert errors.missed.tolist() == [False, False, False, True, True]
    sizes = dict(errors.errors)
    assert sizes['missed'] == 2500
    assert sizes['background'] == 100
    # the surest two count: what came after them is no error, and more is missed
    errors = errors_of_image(7, truth, found, most=2)
    assert errors.kinds == ['right', 'duplicate']
    assert errors.missed.sum() == 4


def test_what_is_ignored_is_no_error():
    truth = objects(box(1, 0, 0, 10), box(1, 100, 100, 50, iscrowd=1))
    found = [box(1, 110, 110, 10, 0.9), box(2, 110, 110, 10, 0.8)]
    errors = errors_of_image(7, truth, found, most=100)
    assert errors.kinds == ['ignored', 'background']  # the region is of class 1
    assert [kind for kind, _ in errors.errors] == ['missed', 'background']


def test_nothing_annotated_and_nothing_found():
    assert errors_of_image(1, [], [], 100).errors == []
    assert errors_of_image(1, [], [box(1, 0, 0, 5)], 100).errors == [('background', 25)]
    assert errors_of_image(1, objects(box(1, 0, 0, 5)), [], 100).errors == [('missed', 25)]


@pytest.mark.parametrize('preset', ['coco', 'aitod', 'soda', 'visdrone', 'tinyperson', 'tt100k'])
def test_sizes_of_each_preset_have_no_gap(preset):
    bins = size_bins(preset_of(preset))
    assert bins[0].low == 0
    assert bins[-1].high == float('inf')
    assert [size.high for size in bins[:-1]] == [size.low for size in bins[1:]]
    assert len({size.words for size in bins}) == len(bins)


def test_low_scores_are_left_out(made_boxes):
    content, found = made_boxes(3, images=2)
    predictions = predictions_of(content, found)
    report = count_errors(annotated(content, 'aitod'), predictions, score_thr=0.9)
    sure = sum(entry['score'] >= 0.9 for entry in found)
    assert 0 < sum(len(image.detections) for image in report.images) == sure
    assert report.worst(1)[0] == max(report.images, key=lambda image: len(image.errors))
    assert '| very tiny (0 to 8 px) |' in report.table()


def test_picture_shows_each_kind_in_its_colour():
    truth = objects(box(1, 10, 10, 20), box(1, 60, 60, 20), box(2, 110, 110, 40))
    found = [box(1, 60, 60, 20, 0.9), box(1, 110, 30, 20, 0.8)]
    errors = errors_of_image(1, truth, found, most=100)
    picture = error_picture(np.zeros((160, 160, 3), np.uint8), errors, {1: 'a', 2: 'b'})
    colours = {tuple(colour) for colour in np.unique(picture[:, ::7].reshape(-1, 3), axis=0).tolist()}
    assert {COLOURS[kind] for kind in ('right', 'missed', 'background')} <= colours
    assert COLOURS['duplicate'] not in colours
    assert picture.shape[1] > 2 * 640  # small pictures are enlarged


def test_command(tiny_config, tiny_coco, tmp_path, command):
    nothing = dict(bboxes=torch.zeros(0, 4), scores=torch.zeros(0), labels=torch.zeros(0).long())
    found = [
        dict(img_id=i, img_path=str(tiny_coco / 'images' / f'{i}.png'), pred_instances=nothing)
        for i in range(6)
    ]
    file, out = tmp_path / 'found.pkl', tmp_path / 'out'
    file.write_bytes(pickle.dumps(found))
    code, printed, _ = command('errors', tiny_config, file, '--out', out, '--num', '2')
    assert code == 0
    # 6 squares and 6 bars, all small, none found
    assert '| small (0 to 32 px) | 12 | 0 | 12 |' in printed
    assert 'written: errors.md and 2 pictures' in printed
    assert '[01_0.png](01_0.png): 2 errors' in (out / 'errors.md').read_text()
    assert cv2.imread(str(out / '01_0.png')).shape[1] > 1280
    code, _, error = command('errors', tiny_config, file, '--out', out)
    assert code == 2
    assert 'errors.md exists; --overwrite replaces it' in error
    file.write_bytes(pickle.dumps(found[:5]))
    code, _, error = command('errors', tiny_config, file)
    assert code == 2
    assert 'the predictions are of 5 images, the annotations of 6' in error
    assert set(ORDER) == set(KINDS)
