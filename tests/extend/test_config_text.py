"""The written config: it reads back, holds only the changes, and never replaces a file unasked."""

import ast

import pytest
from mmengine.config import Config

import mmdet_efpn
from mmdet_efpn.extend.config_text import changes, without_scope, write_extended_config

pytestmark = pytest.mark.usefixtures('unchecked')


@pytest.mark.parametrize(
    ('name', 'options'),
    [
        (
            'faster_rcnn/faster-rcnn_r50_fpn_1x_coco',
            dict(rpn_on_p2_prime=True, extended_bbox_head=False),
        ),
        ('htc/htc_r50_fpn_1x_coco', {}),
        ('fcos/fcos_r50-caffe_fpn_gn-head_1x_coco', dict(ftt='PointwiseFTT', c2_prime='stem')),
        ('rtmdet/rtmdet_s_8xb32-300e_coco', {}),
        ('libra_rcnn/libra-retinanet_r50_fpn_1x_coco', {}),
        ('dino/dino-4scale_r50_8xb2-12e_coco', {}),
        ('mask2former/mask2former_r50_8xb2-lsj-50e_coco', {}),
    ],
)
def test_reads_back_equal(name, options, tmp_path):
    config, out = f'mmdet::{name}.py', tmp_path / 'extended.py'
    write_extended_config(config, out, **options)
    expected = mmdet_efpn.extend_config(config, **options)
    assert without_scope(Config.fromfile(out).to_dict()) == without_scope(expected.to_dict())
    assert [path.name for path in tmp_path.iterdir()] == ['extended.py']


def test_holds_only_the_changes(tmp_path):
    out = tmp_path / 'extended.py'
    write_extended_config('mmdet::retinanet/retinanet_r50_fpn_1x_coco.py', out)
    tree = ast.parse(out.read_text())
    assert [node.targets[0].id for node in tree.body] == ['_base_', 'model', 'custom_imports']
    namespace = {}
    exec(compile(tree, str(out), 'exec'), namespace)
    assert namespace['model'] == dict(
        backbone=dict(type='ExtendedResNet', c2_prime='stem'),
        neck=dict(
            type='EFPN',
            in_channels=[64, 256, 512, 1024, 2048],
            start_level=0,
            num_outs=7,
            ftt=dict(type='LightFTT'),
            extension_cfg=dict(channels=128, separable=True, p3_prime_scale=0.1),
        ),
        bbox_head=dict(anchor_generator=dict(strides=[2, 4, 8, 16, 32, 64, 128])),
    )
    assert max(map(len, out.read_text().splitlines())) <= 100


def test_inherits_a_file_by_its_place(tmp_path):
    (tmp_path / 'mine').mkdir()
    (tmp_path / 'plain.py').write_text(
        "_base_ = 'mmdet::retinanet/retinanet_r18_fpn_1x_coco.py'\n"
        'model = dict(bbox_head=dict(num_classes=3))\n'
    )
    write_extended_config(str(tmp_path / 'plain.py'), tmp_path / 'mine' / 'extended.py')
    cfg = Config.fromfile(tmp_path / 'mine' / 'extended.py')
    assert "_base_ = '../plain.py'" in (tmp_path / 'mine' / 'extended.py').read_text()
    assert cfg.model.bbox_head.num_classes == 3
    assert cfg.model.neck.in_channels == [64, 64, 128, 256, 512]


def test_changes_of_dicts():
    assert changes(dict(a=1, b=None), dict(a=1, b=dict(c=2))) == dict(b=dict(_delete_=True, c=2))
    assert changes(dict(a=[1]), dict(a=[1, 2], d=dict(e=3))) == dict(a=[1, 2], d=dict(e=3))


def test_command_keeps_a_file_unless_told(tmp_path, command):
    out = tmp_path / 'extended.py'
    config = 'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py'
    options = ['--ftt-options', 'hidden_channels=64', '--c2-prime', 'shared', '--full-conv']
    code, said, _ = command('extend', config, out, *options)
    assert code == 0
    assert 'FPN to EFPN' in said
    assert 'RoIs under 56 px' in said
    assert f'written: {out}' in said
    cfg = Config.fromfile(out)
    assert cfg.model.neck.ftt == dict(type='LightFTT', hidden_channels=64)
    assert cfg.model.backbone.c2_prime == 'shared'
    assert 'extension_cfg' not in cfg.model.neck
    code, _, error = command('extend', config, out)
    assert code == 2
    assert '--overwrite' in error
    assert Config.fromfile(out).to_dict() == cfg.to_dict()
    command('extend', config, out, '--overwrite', '--shared-bbox-head')
    assert Config.fromfile(out).model.roi_head.extended_bbox_head is False


@pytest.mark.parametrize(
    ('config', 'out', 'said'),
    [
        ('gone.py', 'out.py', 'config not found: gone.py'),
        ('mmdet::detr/detr_r50_8xb2-150e_coco.py', 'out.py', 'attends to one map'),
        ('mmdet::retinanet/retinanet_r50_fpn_1x_coco.py', 'nowhere/out.py', 'no such folder'),
        ('mmdet::retinanet/retinanet_r50_fpn_1x_coco.py', 'out.txt', 'ends in .py'),
    ],
)
def test_command_says_what_is_wrong(config, out, said, tmp_path, command, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, error = command('extend', config, out)
    assert code == 2
    assert error.startswith('mmdet-efpn extend: error: ')
    assert error.count('\n') == 1
    assert said in error
    assert list(tmp_path.iterdir()) == []


def test_command_names_a_module_that_is_not_installed(tmp_path, command):
    config = tmp_path / 'config.py'
    config.write_text("custom_imports = dict(imports=['gone.models'], allow_failed_imports=False)\n")
    code, _, error = command('extend', config, tmp_path / 'out.py')
    assert code == 2
    assert "config.py: its custom_imports are ['gone.models'], which cannot be imported" in error
    assert not (tmp_path / 'out.py').exists()


def test_infinite_and_missing_numbers_are_written_as_python(tmp_path):
    plain = tmp_path / 'plain.py'
    plain.write_text(
        "_base_ = 'mmdet::fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py'\n"
        "far, none = float('inf'), float('nan')\n"
        'ranges = ((-1, 64), (64, 128), (128, 256), (256, 512), (512, far))\n'
        'model = dict(bbox_head=dict(regress_ranges=ranges, note=dict(a=none)))\n'
        'del far, none, ranges\n'
    )
    out = tmp_path / 'extended.py'
    write_extended_config(str(plain), out)
    head = Config.fromfile(out).model.bbox_head
    assert head.regress_ranges[-1] == (512, float('inf'))
    assert head.regress_ranges[0] == (-1, 16)
    assert head.note.a != head.note.a  # NaN is unlike itself


def test_settings_of_the_environment_and_variables_of_bases_are_read(tmp_path, monkeypatch):
    monkeypatch.setenv('CLASSES_HERE', '7')
    (tmp_path / 'size.py').write_text('width = 64\n')
    plain = tmp_path / 'plain.py'
    plain.write_text(
        "_base_ = ['mmdet::retinanet/retinanet_r50_fpn_1x_coco.py', './size.py']\n"
        "model = dict(bbox_head=dict(num_classes={{'$CLASSES_HERE:3'}},\n"
        '                            feat_channels={{_base_.width}}),\n'
        '             neck=dict(_delete_=True, type="FPN", in_channels=[256, 512, 1024, 2048],\n'
        '                       out_channels=256, start_level=1, num_outs=5,\n'
        '                       add_extra_convs="on_output"))\n'
    )
    out = tmp_path / 'extended.py'
    write_extended_config(str(plain), out)
    model = Config.fromfile(out).model
    assert model.bbox_head.num_classes == 7
    assert model.bbox_head.feat_channels == 64
    assert (model.neck.type, model.neck.num_outs) == ('EFPN', 7)
