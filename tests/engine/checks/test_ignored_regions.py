"""Ignored regions: the warning, and MMDetection's own assigner and COCO's rules on one data set."""

import json
import shutil

import pytest
import torch
from mmdet.registry import DATASETS, METRICS, TASK_UTILS
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData

from mmdet_efpn.datasets import boxes_after_pipeline, boxes_by_class
from mmdet_efpn.engine.checks import warn_of_ignored_regions

RPN = 'model.train_cfg.rpn.assigner.ignore_iof_thr=0.5'
RCNN = 'model.train_cfg.rcnn.assigner.ignore_iof_thr=0.5'


@pytest.fixture
def with_region(tiny_coco, tiny_config, tmp_path):
    """The tiny data set, built; its first picture has one bar and an ignored region of 40x40 px."""
    shutil.copytree(tiny_coco, tmp_path, dirs_exist_ok=True)
    content = json.loads((tiny_coco / 'annotations.json').read_text())
    content['annotations'][0].update(bbox=[20, 20, 40, 40], area=1600, ignore=1)
    content['annotations'][1].update(bbox=[2, 2, 12, 6], area=72)
    (tmp_path / 'annotations.json').write_text(json.dumps(content))
    settings = Config.fromfile(tiny_config).train_dataloader.dataset.to_dict()
    with DefaultScope.overwrite_default_scope('mmdet'):
        yield DATASETS.build(dict(settings, type='CheckedCocoDataset', data_root=str(tmp_path)))


def test_two_stage_detectors_are_told_both_keys(shipped):
    model = shipped('faster_rcnn/faster-rcnn_r50_fpn_1x_coco').model
    said = warn_of_ignored_regions(12, model)
    assert said.startswith('the training data has 12 ignored regions')
    assert RPN in said
    assert RCNN in said
    model.train_cfg.rpn.assigner.ignore_iof_thr = 0.5
    said = warn_of_ignored_regions(12, model)
    assert RPN not in said
    assert RCNN in said
    model.train_cfg.rcnn.assigner.ignore_iof_thr = 0.5
    assert warn_of_ignored_regions(12, model) is None


def test_cascades_name_every_stage_and_wrappers_the_inner_detector(shipped):
    model = shipped('cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco').model
    said = warn_of_ignored_regions(1, dict(type='Wrapper', detector=model))
    for stage in range(3):
        assert f'model.detector.train_cfg.rcnn[{stage}].assigner.ignore_iof_thr=0.5' in said


@pytest.mark.parametrize(
    ('name', 'cause'),
    [
        ('fcos/fcos_r50-caffe_fpn_gn-head_1x_coco', 'it has no assigner'),
        ('yolox/yolox_s_8xb8-300e_coco', 'SimOTAAssigner'),
    ],
)
def test_detectors_that_know_no_regions_are_named(shipped, name, cause):
    said = warn_of_ignored_regions(1, shipped(name).model)
    assert 'cannot leave them out' in said
    assert cause in said


def test_without_regions_nothing_is_said(shipped):
    assert warn_of_ignored_regions(0, shipped('fcos/fcos_r50-caffe_fpn_gn-head_1x_coco').model) is None


def test_a_region_does_not_train(with_region):
    counts, regions = boxes_by_class(with_region)
    assert (counts, regions) == ({0: 5, 1: 6}, 1)
    sample = boxes_after_pipeline(with_region)[0]
    assert sample.ignored.tolist() == [[20, 20, 60, 60]]
    # the bar, a square in the region, one beside it, one that the region holds by 40 %
    priors = torch.tensor([[2.0, 2, 14, 8], [30, 30, 40, 40], [0, 50, 10, 60], [14, 30, 24, 40]])
    instances = InstanceData(bboxes=sample.boxes, labels=torch.tensor([1]))
    found = {}
    for threshold in (-1, 0.5):
        rules = dict(pos_iou_thr=0.7, neg_iou_thr=0.3, min_pos_iou=0.3, ignore_iof_thr=threshold)
        assigner = TASK_UTILS.build(dict(type='MaxIoUAssigner', **rules))
        found[threshold] = assigner.assign(
            InstanceData(priors=priors), instances, InstanceData(bboxes=sample.ignored)
        ).gt_inds.tolist()
    assert found[-1] == [1, 0, 0, 0]  # 0: background
    assert found[0.5] == [1, -1, 0, 0]  # -1: no part of the loss


@pytest.mark.parametrize(
    ('where', 'expected'),
    # 5 squares: a surer false one makes their precision 5/6 at every recall; that of the bars is 1
    [([30, 30, 40, 40], 1.0), ([2, 40, 12, 50], (5 / 6 + 1) / 2)],
)
def test_a_region_does_not_count(with_region, where, expected):
    metric = METRICS.build(dict(type='SmallObjectMetric', ann_file=with_region.ann_file))
    metric.dataset_meta = with_region.metainfo
    for place in range(len(with_region)):
        info = with_region.get_data_info(place)
        mine = [one for one in info['instances'] if not one['ignore_flag']]
        boxes, labels = [one['bbox'] for one in mine], [one['bbox_label'] for one in mine]
        scores = [0.5] * len(mine)
        if place == 0:  # surer than all others, where there is no box
            boxes, labels, scores = [*boxes, where], [*labels, 0], [*scores, 0.9]
        found = dict(
            bboxes=torch.tensor(boxes), labels=torch.tensor(labels), scores=torch.tensor(scores)
        )
        metric.process({}, [dict(img_id=info['img_id'], ori_shape=(64, 64), pred_instances=found)])
    assert metric.evaluate(6)['coco/bbox_mAP'] == pytest.approx(expected)
