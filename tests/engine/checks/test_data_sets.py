"""Classes of several data sets, and plain COCO sets that are read with checks."""

import json

import pytest
from mmengine.config import Config

from mmdet_efpn.engine.checks import check_class_order, check_head_classes, read_checked
from mmdet_efpn.utils.errors import UserError

RETINA = 'retinanet/retinanet_r50_fpn_1x_coco'
SHIPPED = [RETINA, 'mask2former/mask2former_r50_8xb2-lsj-50e_coco-panoptic', 'pascal_voc/ssd512_voc0712']


@pytest.mark.parametrize('name', SHIPPED)
def test_shipped_configs_have_one_order(shipped, name):
    cfg = shipped(name)
    check_class_order(cfg)
    cfg.val_dataloader.dataset.metainfo = dict(classes=('a',))
    check_class_order(cfg)  # another number of classes is the heads' check


def test_another_order_in_validation_is_named(shipped):
    cfg = shipped(RETINA)
    cfg.train_dataloader.dataset.metainfo = dict(classes=('a', 'b', 'c'))
    cfg.val_dataloader.dataset.metainfo = dict(classes=('a', 'c', 'b'))
    cfg.test_dataloader.dataset.metainfo = dict(classes=('a', 'b', 'c'))
    with pytest.raises(
        UserError, match=r"label 1 is 'b' in train_dataloader.*but 'c' in val_dataloader"
    ):
        check_class_order(cfg)


@pytest.mark.parametrize('key', ['CLASSES', 'class_names', 'names'])
def test_classes_under_another_key_are_named(shipped, key):
    cfg = shipped(RETINA)
    cfg.train_dataloader.dataset.metainfo = {key: ('a', 'b')}
    with pytest.raises(UserError, match=rf"metainfo\.{key} is read by nothing.*classes=\('a', 'b'\)"):
        check_head_classes(cfg)


def test_classes_in_a_file_are_counted(shipped, tmp_path):
    names = tmp_path / 'names.txt'
    names.write_text('a\nb\nc\n')
    cfg = shipped(RETINA)
    cfg.train_dataloader.dataset.metainfo = dict(classes=str(names))
    with pytest.raises(UserError, match=r'num_classes is 80, but train_dataloader.* has 3 classes'):
        check_head_classes(cfg)


def test_plain_sets_alone_are_read_checked(shipped):
    cfg = shipped(RETINA)
    plain = cfg.train_dataloader.dataset.to_dict()
    other = dict(plain, type='CocoCaptionDataset')
    cfg.train_dataloader.dataset = dict(
        type='MultiImageMixDataset',
        pipeline=[],
        dataset=dict(type='RepeatDataset', dataset=dict(type='ConcatDataset', datasets=[plain, other])),
    )
    cfg.custom_imports = dict(imports=['mine'], allow_failed_imports=True)
    assert read_checked(cfg) == [f'{stage}_dataloader.dataset' for stage in ('train', 'val', 'test')]
    parts = cfg.train_dataloader.dataset.dataset.dataset.datasets
    assert [part['type'] for part in parts] == ['CheckedCocoDataset', 'CocoCaptionDataset']
    assert cfg.custom_imports.imports == ['mine', 'mmdet_efpn']
    assert read_checked(cfg) == []


def test_a_fault_in_a_plain_set_stops_training(tiny_config, tiny_coco, command, tmp_path):
    content = json.loads((tiny_coco / 'annotations.json').read_text())
    content['annotations'][3]['id'] = content['annotations'][2]['id']
    (tmp_path / 'twice.json').write_text(json.dumps(content))
    code, _, error = command(
        'train',
        tiny_config,
        '--work-dir',
        tmp_path / 'run',
        '--cfg-options',
        f'train_dataloader.dataset.ann_file={tmp_path / "twice.json"}',
    )
    assert code == 2
    assert "1 ids stand twice in 'annotations'" in error
    assert Config.fromfile(tiny_config).train_dataloader.dataset.type == 'CocoDataset'
