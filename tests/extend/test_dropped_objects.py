"""Settings that drop tiny objects are named in the report."""

from mmdet_efpn.extend import extend_with_report


def test_thresholds_of_size_are_named_with_what_keeps_the_objects(shipped):
    cfg = shipped('yolact/yolact_r50_1xb8-55e_coco')
    cfg.model.test_cfg.min_bbox_size = 6
    kept = extend_with_report(cfg, check=False)[1].kept
    assert (
        'train_dataloader.dataset.pipeline[2] (FilterAnnotations).min_gt_bbox_wh=(4.0, 4.0): ground '
        'truth up to 4 px wide or high is left out of training; (0, 0) keeps them'
    ) in kept
    assert (
        'model.test_cfg.min_bbox_size=6: boxes up to 6 px wide or high are left out; 0 keeps them'
    ) in kept


def test_ignored_small_objects_of_voc_are_named(shipped):
    kept = extend_with_report(shipped('pascal_voc/faster-rcnn_r50_fpn_1x_voc0712'), check=False)[1].kept
    said = [line for line in kept if '(VOCDataset).filter_cfg.bbox_min_size=32' in line]
    assert len(said) == 2  # VOC 2007 and 2012


def test_what_drops_nothing_is_not_named(shipped):
    kept = extend_with_report(shipped('retinanet/retinanet_r50_fpn_1x_coco'), check=False)[1].kept
    assert not [line for line in kept if 'min_' in line]
