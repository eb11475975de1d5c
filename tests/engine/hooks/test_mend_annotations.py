"""Boxes that are marked ``ignore``, in MMDetection's own metric: worked out by hand."""

import json
from types import SimpleNamespace

import pytest
import torch
from mmdet.evaluation import CocoMetric

from mmdet_efpn.engine.hooks import MendAnnotations


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
