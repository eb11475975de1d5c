"""Boxes that are marked ``ignore``, in MMDetection's own metric: worked out by hand."""

import json
from types import SimpleNamespace

import pytest
import torch
from mmdet.datasets.api_wrappers import COCO
from mmdet.evaluation import CocoMetric

from mmdet_efpn.engine.hooks import MendAnnotations
from mmdet_efpn.engine.hooks.mend_annotations import mended


@pytest.mark.parametrize(('honoured', 'ap'), [(True, 1.0), (False, 51 / 101)])
def test_ignored_boxes_are_not_missed(tmp_path, honoured, ap):
    boxes = [[10 + 30 * n, 10, 20, 20] for n in range(2)]
    content = dict(
        images=[dict(id=1, file_name='1.jpg', width=100, height=100)],
        categories=[dict(id=1, name='a')],
        annotations=[
            dict(id=n + 1, image_id=1, category_id=1, bbox=box, area=400, iscrowd=0, ignore=n)
            for n, box in enumerate(boxes)
        ],
    )
    path = tmp_path / 'truth.json'
    path.write_text(json.dumps(content))
    metric = CocoMetric(ann_file=str(path))
    metric.dataset_meta = dict(classes=('a',))
    if honoured:
        loop = SimpleNamespace(evaluator=SimpleNamespace(metrics=[metric]))
        MendAnnotations().before_test_epoch(SimpleNamespace(test_loop=loop))
        MendAnnotations().before_val_epoch(SimpleNamespace(val_loop=loop))
    found = dict(
        bboxes=torch.tensor([[10.0, 10, 30, 30]]), scores=torch.ones(1), labels=torch.zeros(1).long()
    )
    metric.process({}, [dict(img_id=1, ori_shape=(100, 100), pred_instances=found)])
    # half of what counts is found, if the ignored box counts: 51 of 101 recalls
    assert metric.evaluate(1)['coco/bbox_mAP'] == pytest.approx(ap, abs=5e-4)


def test_areas_ids_and_flags_are_mended():
    coco = COCO()
    coco.dataset = dict(
        images=[dict(id=1)],
        categories=[dict(id=1, name='a')],
        annotations=[
            dict(id=n, image_id=1, category_id=1, bbox=[0, 0, 4, 5], **more)
            for n, more in enumerate((dict(), dict(area=0), dict(area=20, iscrowd='0', ignore='1')))
        ],
    )
    coco.createIndex()
    said = mended(coco)
    entries = coco.dataset['annotations']
    assert [entry['area'] for entry in entries] == [20, 20, 20]
    assert [entry['iscrowd'] for entry in entries] == [0, 0, 1]
    assert [entry['id'] for entry in entries] == [1, 2, 3]
    assert sorted(coco.anns) == [1, 2, 3]
    assert len(said) == 3
    assert mended(coco) == []
