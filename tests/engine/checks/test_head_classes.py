"""Numbers of classes of heads beside those of data sets."""

import pytest
from mmengine.config import Config

from mmdet_efpn.engine import check_head_classes
from mmdet_efpn.utils.errors import UserError

OWN = [
    'faster_rcnn/faster-rcnn_r50_fpn_1x_coco',
    'cascade_rcnn/cascade-mask-rcnn_r50_fpn_1x_coco',
    'htc/htc_r50_fpn_1x_coco',
    'scnet/scnet_r50_fpn_1x_coco',
    'point_rend/point-rend_r50-caffe_fpn_ms-1x_coco',
    'panoptic_fpn/panoptic-fpn_r50_fpn_1x_coco',
    'mask2former/mask2former_r50_8xb2-lsj-50e_coco',
    'mask2former/mask2former_r50_8xb2-lsj-50e_coco-panoptic',
    'retinanet/retinanet_r50_fpn_1x_coco',
    'rtmdet/rtmdet-ins_s_8xb32-300e_coco',
    'yolox/yolox_s_8xb8-300e_coco',
    'solo/solo_r50_fpn_1x_coco',
    'deformable_detr/deformable-detr_r50_16xb2-50e_coco',
    'sparse_rcnn/sparse-rcnn_r50_fpn_1x_coco',
    'pascal_voc/faster-rcnn_r50_fpn_1x_voc0712',
    'lvis/mask-rcnn_r50_fpn_sample1e-3_ms-1x_lvis-v1',
    'cityscapes/mask-rcnn_r50_fpn_1x_cityscapes',
    'soft_teacher/soft-teacher_faster-rcnn_r50-caffe_fpn_180k_semi-0.1-coco',
    'qdtrack/qdtrack_faster-rcnn_r50_fpn_8xb2-4e_mot17halftrain_test-mot17halfval',
    'openimages/faster-rcnn_r50_fpn_32xb2-1x_openimages',
    'grounding_dino/grounding_dino_r50_scratch_8xb2_1x_coco',
]


@pytest.mark.parametrize('name', OWN)
def test_shipped_configs_raise_no_alarm(shipped, name):
    check_head_classes(shipped(name))


def three(cfg: Config) -> Config:
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        cfg[loader].dataset.metainfo = dict(classes=('a', 'b', 'c'))
    return cfg


@pytest.mark.parametrize(
    ('name', 'key'),
    [
        ('faster_rcnn/faster-rcnn_r50_fpn_1x_coco', r'model\.roi_head\.bbox_head\.num_classes'),
        ('cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco', r'model\.roi_head\.bbox_head\[0\]\.num_classes'),
        ('retinanet/retinanet_r50_fpn_1x_coco', r'model\.bbox_head\.num_classes'),
        ('mask2former/mask2former_r50_8xb2-lsj-50e_coco', r'model\.panoptic_head\.num_things_classes'),
        ('solo/solo_r50_fpn_1x_coco', r'model\.mask_head\.num_classes'),
    ],
)
def test_both_numbers_and_keys_are_named(shipped, name, key):
    with pytest.raises(UserError, match=rf'{key}.* is 80, but train_dataloader\.dataset .* has 3 cl'):
        check_head_classes(three(shipped(name)))


def test_a_mask_head_alone_that_was_forgotten(shipped):
    cfg = three(shipped('mask_rcnn/mask-rcnn_r50_fpn_1x_coco'))
    cfg.model.roi_head.bbox_head.num_classes = 3
    with pytest.raises(UserError, match=r'roi_head\.mask_head\.num_classes is 80'):
        check_head_classes(cfg)
    cfg.model.roi_head.mask_head.num_classes = 3
    check_head_classes(cfg)


def test_a_number_that_no_one_wrote_is_the_heads_default(shipped):
    cfg = three(shipped('faster_rcnn/faster-rcnn_r50_fpn_1x_coco'))
    del cfg.model.roi_head.bbox_head['num_classes']
    with pytest.raises(UserError, match=r'roi_head\.bbox_head\.num_classes is 80'):
        check_head_classes(cfg)


def test_every_part_of_a_joined_set_counts(shipped):
    cfg = shipped('retinanet/retinanet_r50_fpn_1x_coco')
    cfg.model.bbox_head.num_classes = 3
    three(cfg)
    part = cfg.train_dataloader.dataset
    other = dict(part, metainfo=dict(classes=('a', 'b')))
    cfg.train_dataloader.dataset = dict(
        type='RepeatDataset', times=2, dataset=dict(type='ConcatDataset', datasets=[part, other])
    )
    with pytest.raises(UserError, match=r'is 3, but train_dataloader\.dataset .* has 2 classes'):
        check_head_classes(cfg)


def test_a_word_in_the_place_of_a_list(shipped):
    cfg = shipped('retinanet/retinanet_r50_fpn_1x_coco')
    cfg.val_dataloader.dataset.metainfo = dict(classes='crack')
    cfg.model.bbox_head.num_classes = 80
    with pytest.raises(UserError, match=r"the word 'crack'.* classes=\('crack',\) with a comma"):
        check_head_classes(cfg)


def test_a_wrapped_detectors_key_is_whole(shipped):
    cfg = shipped('soft_teacher/soft-teacher_faster-rcnn_r50-caffe_fpn_180k_semi-0.1-coco')
    cfg.model.detector.roi_head.bbox_head.num_classes = 7
    with pytest.raises(UserError, match=r'^model\.detector\.roi_head\.bbox_head\.num_classes is 7'):
        check_head_classes(cfg)


@pytest.mark.parametrize(('key', 'number'), [('num_things_classes', 79), ('num_stuff_classes', 52)])
@pytest.mark.parametrize('part', ['semantic_head', 'panoptic_fusion_head'])
def test_things_and_stuff_are_counted_apart(shipped, part, key, number):
    cfg = shipped('panoptic_fpn/panoptic-fpn_r50_fpn_1x_coco')
    cfg.model[part][key] = number
    with pytest.raises(UserError, match=rf'^model\.{part}\.{key} is {number}, .* has {number + 1} cl'):
        check_head_classes(cfg)


@pytest.mark.parametrize('stage', [1, 2])
def test_each_stage_of_a_cascade_counts(shipped, stage):
    cfg = shipped('cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco')
    cfg.model.roi_head.bbox_head[stage].num_classes = 3
    with pytest.raises(UserError, match=rf'bbox_head\[{stage}\]\.num_classes is 3'):
        check_head_classes(cfg)
