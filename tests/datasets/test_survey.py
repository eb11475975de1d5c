"""What a data set holds, worked out by hand; boxes after a pipeline beside the real pipeline's."""

import random

import pytest
import torch
from mmdet.registry import DATASETS
from mmengine.registry import DefaultScope

from mmdet_efpn.datasets import boxes_after_pipeline, boxes_by_class, leaves, pictures_of

LOAD = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations', with_bbox=True)]


def settings(folder, steps=()):
    return dict(
        type='CheckedCocoDataset',
        data_root=str(folder),
        ann_file='annotations.json',
        data_prefix=dict(img='images/'),
        metainfo=dict(classes=('square', 'bar')),
        pipeline=[*LOAD, *steps, dict(type='PackDetInputs', meta_keys=('img_shape',))],
    )


def build(config):
    with DefaultScope.overwrite_default_scope('mmdet'):
        return DATASETS.build(config)


def test_counts_of_a_joined_set(tiny_coco):
    part = settings(tiny_coco)
    joined = dict(
        type='RepeatDataset', times=2, dataset=dict(type='ConcatDataset', datasets=[part, part])
    )
    dataset = build(joined)
    assert len(dataset) == 24
    assert len(leaves(dataset)) == 2
    assert boxes_by_class(dataset) == ({0: 12, 1: 12}, 0)
    assert len(list(pictures_of(dataset))) == 12


def test_boxes_are_those_of_the_real_pipeline(tiny_coco):
    resize = [dict(type='Resize', scale=(160, 128), keep_ratio=True)]
    dataset = build(settings(tiny_coco, resize))
    found = boxes_after_pipeline(dataset)
    assert len(found) == 6
    for place, sample in enumerate(found):
        real = dataset[place]['data_samples']
        assert torch.equal(sample.boxes, real.gt_instances.bboxes.tensor)
        assert (sample.height, sample.width) == real.img_shape == (128, 128)
    assert dataset[0]['inputs'].any()  # the loader is back


def test_at_most_as_many_pictures_as_asked(tiny_coco):
    assert len(boxes_after_pipeline(build(settings(tiny_coco)), most=2)) == 2


@pytest.mark.parametrize('step', [dict(type='RandomFlip', prob=0.5), dict(type='PhotoMetricDistortion')])
def test_random_numbers_are_left_as_they_were(tiny_coco, step):
    dataset = build(settings(tiny_coco, [step]))
    random.seed(3)
    torch.manual_seed(3)
    boxes_after_pipeline(dataset)
    after = random.random(), torch.rand(1)
    random.seed(3)
    torch.manual_seed(3)
    assert after == (random.random(), torch.rand(1))


def test_mosaic_is_surveyed_too(tiny_coco):
    inner = settings(tiny_coco)
    inner['pipeline'] = LOAD
    mixed = dict(
        type='MultiImageMixDataset',
        dataset=inner,
        pipeline=[
            dict(type='Mosaic', img_scale=(64, 64)),
            dict(type='PackDetInputs', meta_keys=('img_shape',)),
        ],
    )
    found = boxes_after_pipeline(build(mixed))
    assert len(found) == 6
    assert all((sample.height, sample.width) == (128, 128) for sample in found)
